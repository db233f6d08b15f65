//! `/api/v1/files/store-text`, and uploads of people at `/api/files`

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply, World};

use crate::files::direct_uploads::{id, put};

/// A client without credentials.
pub fn unauthenticated_client() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// Uploads a file to an agent as a person.
pub async fn upload_as_person(person: &Person, route: &str, agent: &Agent, name: &str, bytes: Vec<u8>) -> Reply {
    let part = Part::bytes(bytes).file_name(name.to_owned()).mime_str("image/png").unwrap();
    let form = Form::new().part("file", part).text("channelId", agent.channel.clone());
    Reply::fetch(person.request(Method::POST, &format!("/api/files/{route}")).multipart(form)).await
}

#[tokio::test]
async fn a_text_becomes_a_file() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let store = async |mut body: Value| {
        body["channelId"] = json!(agent.channel);
        agent.post("/api/v1/files/store-text", body).await
    };
    let reply = store(json!({ "content": "# Grüße\u{0}" })).await;
    let file = reply.expect(201);
    assert_eq!((&file["filename"], &file["mimeType"]), (&json!("content.md"), &json!("text/markdown")));
    assert_eq!((&file["size"], &file["messageId"], &file["pluginType"]), (&json!(10), &json!(null), &json!("file")));
    assert_eq!(reply.calls_and_round_trips(), (3, 3));
    let got = agent.get(&format!("/api/v1/files/{}/download", file["id"].as_str().unwrap())).await;
    assert_eq!((got.status, got.text().as_str()), (200, "# Grüße\u{0}"));

    let named = store(json!({ "content": "", "filename": "../a.svg", "mimeType": "image/svg+xml" })).await.expect(201);
    assert_eq!(
        (&named["filename"], &named["pluginType"], &named["size"]),
        (&json!("../a.svg"), &json!("image"), &json!(0))
    );
    let message = agent.send(json!({ "attachmentIds": [file["id"], named["id"]] })).await.expect(201);
    assert_eq!(message["attachments"][0]["textContent"], "# Grüße\u{0}");

    assert_eq!(
        store(json!({ "content": 1, "filename": "n".repeat(1025) })).await.expect_invalid(),
        ["content", "filename"]
    );
    assert_eq!(agent.post("/api/v1/files/store-text", json!({})).await.expect_invalid(), ["channelId", "content"]);
    let unknown_channel = json!({ "channelId": "agt_nonsense", "content": "x" });
    agent.post("/api/v1/files/store-text", unknown_channel).await.expect_error(403, "not_your_agent");
    let huge = store(json!({ "content": "x".repeat(4_500_000) })).await.expect_error(413, "too_large");
    assert!(huge["message"].as_str().unwrap().contains("/api/v1/files/presign"));
}

#[tokio::test]
async fn people_can_store_upload_and_presign_too() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let agent = person.agent().await;
    let stored = upload_as_person(&person, "store", &agent, "a.png", vec![1, 2]).await;
    let file = stored.expect(201);
    assert_eq!(
        (&file["messageId"], &file["pluginType"], stored.calls_and_round_trips()),
        (&json!(null), &json!("image"), (3, 3))
    );
    let sent = upload_as_person(&person, "upload", &agent, "b.png", vec![3]).await;
    let message = sent.expect(201)["messageId"].as_str().unwrap().to_owned();
    let message = agent.get_in_channel(&format!("/api/v1/messages/{message}")).await.expect(200);
    assert_eq!((&message["senderType"], &message["attachments"][0]["id"]), (&json!("user"), &sent.json()["id"]));
    assert_eq!(sent.calls_and_round_trips(), (3, 3));

    let body = json!({ "channelId": agent.channel, "filename": "c", "mimeType": "image/png", "size": 2 });
    let announced = person.post("/api/files/presign", body.clone()).await;
    assert_eq!(announced.calls_and_round_trips(), (2, 2));
    put(&announced.expect(201), vec![1, 2]).await.expect(200);
    let ids = json!([file["id"], announced.json()["attachment"]["id"]]);
    let with_both = json!({ "channelId": agent.channel, "attachmentIds": ids });
    person.post("/api/messages", with_both).await.expect(201);
    let got = person.get(&format!("/api/files/{}/download", id(&announced.json()))).await;
    assert_eq!((got.status, got.bytes), (200, vec![1, 2]));

    stranger.post("/api/files/presign", body).await.expect_error(403, "not_your_agent");
    for route in ["store", "upload"] {
        upload_as_person(&stranger, route, &agent, "a", vec![1]).await.expect_error(403, "not_your_agent");
        let big =
            upload_as_person(&person, route, &agent, "a", vec![1; 4_500_001]).await.expect_error(413, "too_large");
        assert!(big["message"].as_str().unwrap().contains("/api/files/presign"));
    }
}

#[tokio::test]
async fn file_records_say_where_the_bytes_are() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let path = format!("/api/v1/files/{}/download", agent.store_file().await);
    let etag = agent.get(&path).await.header("etag").to_owned();
    let get_with_tags =
        async |tags: &str| Reply::fetch(agent.request(Method::GET, &path).header("If-None-Match", tags)).await;
    for tags in [etag.as_str(), "*", &format!("\"other\", W/{etag}")] {
        let known = get_with_tags(tags).await;
        assert_eq!((known.status, known.bytes.len(), known.header("etag")), (304, 0, etag.as_str()), "{tags}");
    }
    for tags in ["\"other\"", "", "nonsense"] {
        assert_eq!(get_with_tags(tags).await.status, 200);
    }
}

#[tokio::test]
async fn every_file_route_needs_authentication() {
    let world = World::start().await;
    let key = world.person().await.agent().await.key;
    for (method, path) in [
        ("POST", "/api/v1/files/store-text"),
        ("POST", "/api/v1/files/presign"),
        ("GET", "/api/files"),
        ("POST", "/api/files/store"),
        ("POST", "/api/files/upload"),
        ("POST", "/api/files/presign"),
        ("POST", "/api/files/bulk-delete"),
        ("POST", "/api/files/bulk-download"),
        ("DELETE", "/api/files/x"),
        ("GET", "/api/files/x/download"),
        ("GET", "/api/files/x/share"),
    ] {
        // A malformed key on agent routes, and an agent's key on people's routes.
        let credential = if path.starts_with("/api/v1") { "hp_x" } else { key.as_str() };
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = unauthenticated_client().request(method, format!("{}{path}?limit=x", world.url)).body("{");
        Reply::fetch(request.bearer_auth(credential)).await.expect_error(401, "unauthorized");
    }
}
