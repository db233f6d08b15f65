//! `GET /api/files`: pages and filters

use serde_json::{Value, json};
use test_support::{Cost, Person, World};

async fn page(person: &Person, query: &str) -> (Vec<String>, Option<String>) {
    let body = person.get(&format!("/api/files?{query}")).await.expect(200);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let ids = body["data"].as_array().unwrap().iter().filter_map(|file| text(&file["id"])).collect();
    (ids, text(&body["nextCursor"]))
}

/// Collects all pages.
async fn all_pages(person: &Person, query: &str) -> Vec<String> {
    let (mut all, mut next) = page(person, query).await;
    while let Some(cursor) = next {
        let (more, after) = page(person, &format!("{query}&cursor={cursor}")).await;
        all.extend(more);
        next = after;
    }
    all
}

#[tokio::test]
async fn pages_cover_all_agents_without_gaps_or_repeats() {
    let world = World::start().await;
    let person = world.person().await;
    let (one, two) = (person.agent().await, person.agent().await);
    let mut stored = vec![];
    for _ in 0..6 {
        // Ids of the same millisecond have no order, so the clock separates them.
        world.advance_clock(std::time::Duration::from_millis(5));
        stored.push(one.store_file().await);
        world.advance_clock(std::time::Duration::from_millis(5));
        stored.push(two.store_file().await);
    }
    stored.reverse();
    let (first, cursor) = page(&person, "limit=5").await;
    assert_eq!(first, stored[..5]);
    // A file stored meanwhile is newer than the cursor.
    one.store_file().await;
    let rest = all_pages(&person, &format!("limit=5&cursor={}", cursor.unwrap())).await;
    assert_eq!(rest, stored[5..]);
    assert_eq!(page(&person, "").await.0.len(), 13);
    for limit in [1, 4, 12, 13] {
        assert_eq!(all_pages(&person, &format!("limit={limit}")).await.len(), 13);
    }
    let of_two: Vec<_> = stored.iter().step_by(2).cloned().collect();
    assert_eq!(all_pages(&person, &format!("limit=4&agentId={}", two.channel)).await, of_two);
    let Cost { round_trips, .. } = person.get("/api/files").await.cost();
    assert_eq!(round_trips, 1);
    let Cost { round_trips, .. } = person.get(&format!("/api/files?agentId={}", two.channel)).await.cost();
    assert_eq!(round_trips, 1);
}

#[tokio::test]
async fn a_list_is_filtered_by_kind_and_name() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for (name, mime) in [
        ("Photo.PNG", "image/png"),
        ("film.mp4", "video/mp4"),
        ("song.mp3", "audio/mpeg"),
        ("Größe.pdf", "application/pdf"),
        ("data.bin", "application/octet-stream"),
    ] {
        world.advance_clock(std::time::Duration::from_millis(5));
        agent.upload("store", name, mime, "x").await.expect(201);
    }
    for (query, names) in [
        ("type=image", vec!["Photo.PNG"]),
        ("type=video", vec!["film.mp4"]),
        ("type=audio", vec!["song.mp3"]),
        ("type=document", vec!["Größe.pdf"]),
        ("type=file", vec!["data.bin", "Größe.pdf", "song.mp3", "film.mp4"]),
        ("search=P", vec!["Größe.pdf", "song.mp3", "film.mp4", "Photo.PNG"]),
        ("search=gr%C3%96%C3%9Fe", vec!["Größe.pdf"]),
        ("search=photo&type=file", vec![]),
        ("search=%25&limit=1", vec![]),
    ] {
        let body = person.get(&format!("/api/files?{query}")).await.expect(200);
        let found: Vec<_> = body["data"].as_array().unwrap().iter().map(|it| it["filename"].clone()).collect();
        assert_eq!(found, names, "{query}");
        assert_eq!(body["nextCursor"], json!(null), "{query}");
    }
    assert_eq!(all_pages(&person, "type=file&limit=1").await.len(), 4);
}

#[tokio::test]
async fn a_list_holds_only_the_callers_files() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let agent = person.agent().await;
    agent.store_file().await;
    assert_eq!(page(&stranger, "").await, (vec![], None));
    for agent in [agent.channel.as_str(), "agt_nonsense", "agt_01KB0000000000000000000000"] {
        stranger.get(&format!("/api/files?agentId={agent}")).await.expect_error(403, "not_your_agent");
    }
    let wrong = person.get("/api/files?type=x&limit=0&cursor=%00").await.expect_invalid();
    assert_eq!(wrong, ["limit", "cursor", "type"]);
    let visitor = Person::signed_out(&world.url, "a@b.example", "x");
    visitor.get("/api/files?limit=x").await.expect_error(401, "unauthorized");
}
