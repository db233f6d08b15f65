//! `POST /api/files/bulk-download`

use std::time::Duration;

use async_zip::base::read::mem::ZipFileReader;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use shared::storage::keys;
use test_support::{Agent, Person, Reply, World};

use crate::files::direct_uploads::{announce, put};
use crate::files::uploads::unauthenticated_client;

/// The names and bytes of an archive's files, with verified checksums.
async fn unpack(zip: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let reader = ZipFileReader::new(zip).await.unwrap();
    let mut files = vec![];
    for index in 0..reader.file().entries().len() {
        let name = reader.file().entries()[index].filename().as_str().unwrap().to_owned();
        let mut bytes = vec![];
        reader.reader_with_entry(index).await.unwrap().read_to_end_checked(&mut bytes).await.unwrap();
        files.push((name, bytes));
    }
    files
}

async fn store_text(agent: &Agent, name: &str, content: &str) -> String {
    let body = json!({ "channelId": agent.channel, "content": content, "filename": name });
    agent.post("/api/v1/files/store-text", body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_archive_holds_many_files_under_safe_names() {
    let world = World::start().await;
    let person = world.person().await;
    let (one, two) = (person.agent().await, person.agent().await);
    let ids = [
        store_text(&one, "a.txt", "1").await,
        store_text(&two, "A.txt", "2").await,
        store_text(&one, "../../etc/passwd", "3").await,
        store_text(&one, "/abs\r\n\u{0}", "").await,
        store_text(&one, "Grüße 🦀.md", "5").await,
        store_text(&one, "..", "6").await,
    ];
    let reply = person.post("/api/files/bulk-download", json!({ "ids": ids })).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/zip");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"files.zip\"");
    assert_eq!(reply.calls_and_round_trips(), (1, 1));
    let expected = [
        ("a.txt", "1"),
        ("A (2).txt", "2"),
        ("_.._etc_passwd", "3"),
        ("_abs___", ""),
        ("Grüße 🦀.md", "5"),
        ("file", "6"),
    ];
    let expected: Vec<_> = expected.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).into();
    assert_eq!(unpack(reply.bytes).await, expected);
}

#[tokio::test]
async fn names_in_an_archive_are_distinct_on_every_file_system() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let names = ["../a.txt", "..\\A.txt", "a.txt", "a.txt", "A (2).TXT", "a (2).txt", "x/..", "", ".", "..."];
    let mut ids = vec![];
    for (number, name) in names.iter().enumerate() {
        ids.push(store_text(&agent, name, &number.to_string()).await);
    }
    let reply = person.post("/api/files/bulk-download", json!({ "ids": ids })).await;
    let unpacked = unpack(reply.bytes).await;
    let mut seen = std::collections::BTreeSet::new();
    for (number, (name, bytes)) in unpacked.iter().enumerate() {
        assert_eq!(bytes, number.to_string().as_bytes(), "files are in the order of the call");
        assert!(!name.is_empty() && !name.contains(['/', '\\']) && name.chars().any(|c| c != '.'), "{name}");
        assert!(seen.insert(name.to_lowercase()), "{name} occurs twice: {unpacked:?}");
    }
    assert_eq!(seen.len(), names.len());
    assert_eq!(
        person.post("/api/files/bulk-download", json!({ "ids": [ids[0], ids[1], ids[0]] })).await.expect_invalid(),
        ["ids.2"]
    );
    assert_eq!(
        person.post("/api/files/bulk-download", json!({ "ids": vec!["x"; 101] })).await.expect_invalid(),
        ["ids"]
    );
}

#[tokio::test]
async fn a_large_archive_is_fetched_from_storage() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (mut ids, mut expected) = (vec![], vec![]);
    // The archive has several parts. One of its files is streamed; the others are read whole.
    for (name, size) in [("a.bin", 4_000_000), ("b.bin", 6_000_000), ("c.bin", 4_400_000), ("d.bin", 600_000)] {
        let bytes: Vec<u8> = (0..=250).cycle().take(size).collect();
        let announced = announce(&agent, name, "application/octet-stream", size).await;
        put(&announced, bytes.clone()).await.expect(200);
        ids.push(announced["attachment"]["id"].clone());
        expected.push((name.to_owned(), bytes));
    }
    for ids in [&ids[..], &ids[..1], &ids[2..3]] {
        let reply = download_archive(&person, json!({ "ids": ids })).await;
        if ids.len() == 1 {
            assert_eq!(reply.status, 200);
            continue;
        }
        assert_eq!(reply.status, 303, "{}", reply.text());
        let got = Reply::fetch(unauthenticated_client().get(reply.header("location"))).await;
        assert_eq!((got.status, got.header("content-type")), (200, "application/zip"));
        assert_eq!(got.header("content-disposition"), "attachment; filename=\"files.zip\"");
        assert!(unpack(got.bytes).await == expected);
    }
    // Larger than a response, but smaller than a part.
    let reply = download_archive(&person, json!({ "ids": [ids[0], ids[3]] })).await;
    let got = Reply::fetch(unauthenticated_client().get(reply.header("location"))).await;
    assert_eq!((reply.status, unpack(got.bytes).await.len()), (303, 2));
}

/// One key cannot fill the bucket with copies of the same files.
#[tokio::test]
async fn the_same_files_have_one_archive_for_half_a_day() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let announced = announce(&agent, "a.bin", "application/octet-stream", 4_600_000).await;
    put(&announced, vec![7; 4_600_000]).await.expect(200);
    let ids = json!({ "ids": [announced["attachment"]["id"]] });
    let object = |reply: &Reply| {
        assert_eq!(reply.status, 303, "{}", reply.text());
        reply.header("location").split('?').next().unwrap().to_owned()
    };
    let first = object(&download_archive(&person, ids.clone()).await);
    let again = download_archive(&person, ids.clone()).await;
    assert_eq!(object(&again), first);
    let got = Reply::fetch(unauthenticated_client().get(again.header("location"))).await;
    assert_eq!(unpack(got.bytes).await.len(), 1);
    world.advance_clock(Duration::from_secs(12 * 3600));
    assert_ne!(object(&download_archive(&person, ids).await), first);
}

/// Requests a large archive and retries while storage is busy: a loaded emulator may time out on
/// large parts.
async fn download_archive(person: &Person, ids: Value) -> Reply {
    for _ in 0..5 {
        let reply = person.post("/api/files/bulk-download", ids.clone()).await;
        if reply.status != 503 {
            return reply;
        }
        reply.expect_error(503, "storage_unavailable");
    }
    panic!("storage is still busy after 5 attempts")
}

#[tokio::test]
async fn an_archive_of_unknown_files_is_refused() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let agent = person.agent().await;
    let (mine, announced) = (agent.store_file().await, announce(&agent, "a", "text/plain", 1).await);
    let ids = json!({ "ids": [mine, "nonsense", announced["attachment"]["id"]] });
    let refused = person.post("/api/files/bulk-download", ids.clone()).await;
    assert_eq!(refused.expect_invalid(), ["ids.1", "ids.2"]);
    assert_eq!(refused.json()["errors"][1]["code"], "not_uploaded");
    assert_eq!(stranger.post("/api/files/bulk-download", ids).await.expect_invalid(), ["ids.0", "ids.1", "ids.2"]);
    assert_eq!(person.post("/api/files/bulk-download", json!({ "ids": [] })).await.expect_invalid(), ["ids"]);
}

#[tokio::test]
async fn an_archive_has_at_most_200_megabytes() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let ids = [agent.store_file().await, agent.store_file().await];
    for file in &ids {
        // The recorded size is checked before any bytes are read.
        let update = world.clients.dynamodb.update_item().table_name(&world.table);
        let update = update.set_key(Some(keys::file(file.parse().unwrap()).attributes()));
        let update = update.update_expression("SET #size = :size").expression_attribute_names("#size", "size");
        let size = AttributeValue::N("100000001".to_owned());
        update.expression_attribute_values(":size", size).send().await.unwrap();
    }
    person.post("/api/files/bulk-download", json!({ "ids": ids })).await.expect_error(413, "too_large");
}

/// The upload of the archive has begun when its second file turns out to be missing.
#[tokio::test]
async fn a_failed_archive_cleans_up_its_upload() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let large = announce(&agent, "a.bin", "application/octet-stream", 9_000_000).await;
    put(&large, vec![7; 9_000_000]).await.expect(200);
    let small = agent.upload("store", "b.txt", "text/plain", "b").await.expect(201);
    let (bucket, key) = (world.bucket(), small["storageKey"].as_str().unwrap());
    world.clients.s3.delete_object().bucket(bucket).key(key).send().await.expect("the object is deleted");
    let ids = json!({ "ids": [large["attachment"]["id"], small["id"]] });
    person.post("/api/files/bulk-download", ids).await.expect_error(404, "not_found");
}
