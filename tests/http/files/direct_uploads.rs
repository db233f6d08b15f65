//! `/api/v1/files/presign`: direct uploads to storage

use serde_json::{Value, json};
use test_support::{Agent, Reply, World};

use crate::files::uploads::unauthenticated_client;

/// Creates a direct upload of `size` bytes; returns the response.
pub async fn announce(agent: &Agent, filename: &str, mime: &str, size: usize) -> Value {
    let body = json!({ "channelId": agent.channel, "filename": filename, "mimeType": mime, "size": size });
    agent.post("/api/v1/files/presign", body).await.expect(201)
}

/// PUTs bytes to the announced URL with the announced headers, except that the length is always
/// that of `bytes`.
pub async fn put(announced: &Value, bytes: Vec<u8>) -> Reply {
    let mut request = unauthenticated_client().put(announced["upload"]["url"].as_str().unwrap());
    for (name, value) in announced["upload"]["headers"].as_object().unwrap() {
        if name != "content-length" {
            request = request.header(name, value.as_str().unwrap());
        }
    }
    Reply::fetch(request.header("content-length", bytes.len()).body(bytes)).await
}

pub fn id(announced: &Value) -> &str {
    announced["attachment"]["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_direct_upload_is_listed_once_its_bytes_arrived() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let bytes: Vec<u8> = (0..=250).cycle().take(5_000_000).collect();
    let announced = announce(&agent, "film.mp4", "video/mp4", bytes.len()).await;
    let file = id(&announced);
    assert_eq!(announced["attachment"]["size"], 5_000_000);
    let upload = &announced["upload"];
    assert_eq!((&upload["method"], &upload["headers"]["content-type"]), (&json!("PUT"), &json!("video/mp4")));
    assert_eq!(upload["headers"]["content-length"], "5000000");
    assert!(upload["expiresAt"].as_str().unwrap().ends_with('Z'));

    // The file is not visible before its bytes arrive.
    let download = format!("/api/v1/files/{file}/download");
    assert_eq!(agent.get_in_channel("/api/v1/files").await.expect(200), json!([]));
    assert_eq!(person.get("/api/files").await.expect(200)["data"], json!([]));
    agent.get(&download).await.expect_error(404, "not_found");
    let early = agent.send(json!({ "attachmentIds": [file] })).await;
    assert_eq!(early.expect_invalid(), ["attachmentIds.0"]);
    assert_eq!(early.json()["errors"][0]["code"], "not_uploaded");

    assert_eq!(put(&announced, bytes.clone()).await.status, 200);
    let sent = agent.send(json!({ "attachmentIds": [file], "clientId": "once" })).await;
    assert_eq!(sent.expect(201)["attachments"][0]["id"], file);
    assert_eq!(sent.calls_and_round_trips(), (2, 2));
    assert_eq!(agent.get_in_channel("/api/v1/files").await.expect(200)[0]["id"], file);
    assert_eq!(person.get("/api/files").await.expect(200)["data"][0]["messageId"], sent.json()["id"]);
    // Too large for a response of the service: the client is redirected to storage.
    let redirect = agent.get(&download).await;
    assert_eq!((redirect.status, redirect.calls_and_round_trips()), (302, (1, 1)));
    let got = Reply::fetch(unauthenticated_client().get(redirect.header("location"))).await;
    assert_eq!((got.status, got.bytes == bytes), (200, true));
    assert_eq!(got.header("content-type"), "video/mp4");
    assert_eq!(got.header("content-disposition"), "inline; filename=\"film.mp4\"; filename*=UTF-8''film.mp4");
}

#[tokio::test]
async fn active_content_served_by_storage_is_an_attachment() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for mime in ["text/html", "image/svg+xml", "Application/XHTML+xml"] {
        let announced = announce(&agent, "ü.html", mime, 4_500_001).await;
        assert_eq!(put(&announced, vec![b' '; 4_500_001]).await.status, 200);
        let redirect = agent.get(&format!("/api/v1/files/{}/download", id(&announced))).await;
        let got = Reply::fetch(unauthenticated_client().get(redirect.header("location"))).await;
        assert_eq!((got.status, got.header("content-type")), (200, mime));
        let disposition = "attachment; filename=\"_.html\"; filename*=UTF-8''%C3%BC.html";
        assert_eq!(got.header("content-disposition"), disposition, "{mime}");
    }
}

#[tokio::test]
async fn the_first_download_confirms_a_direct_upload() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for size in [0, 3] {
        let announced = announce(&agent, "a", "text/plain", size).await;
        assert_eq!(put(&announced, vec![b'x'; size]).await.status, 200);
        let got = agent.get(&format!("/api/v1/files/{}/download", id(&announced))).await;
        assert_eq!((got.status, got.bytes.len(), got.calls_and_round_trips()), (200, size, (2, 2)));
        let again = agent.get(&format!("/api/v1/files/{}/download", id(&announced))).await;
        assert_eq!((again.status, again.calls_and_round_trips()), (200, (1, 1)));
        assert_eq!(agent.get_in_channel("/api/v1/files").await.expect(200)[0]["id"], id(&announced));
    }
}

#[tokio::test]
async fn a_finished_direct_upload_is_listed_before_its_first_use() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (arrived, _) = (announce(&agent, "a", "text/plain", 3).await, announce(&agent, "b", "text/plain", 3).await);
    assert_eq!(put(&arrived, b"abc".to_vec()).await.status, 200);
    let listed = agent.get_in_channel("/api/v1/files").await.expect(200);
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &json!(id(&arrived))));
    let browsed = person.get("/api/files").await.expect(200)["data"].clone();
    assert_eq!((browsed.as_array().unwrap().len(), &browsed[0]["id"]), (1, &json!(id(&arrived))));
}

#[tokio::test]
async fn a_direct_upload_takes_the_declared_bytes_once() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let announced = announce(&agent, "a", "text/plain", 3).await;
    for bytes in [&b"four"[..], b"", b"12"] {
        assert_eq!(put(&announced, bytes.to_vec()).await.status, 403);
    }
    let mut lying = announced.clone();
    lying["upload"]["headers"]["content-type"] = json!("text/html");
    assert_eq!(put(&lying, b"abc".to_vec()).await.status, 403);
    agent.get(&format!("/api/v1/files/{}/download", id(&announced))).await.expect_error(404, "not_found");
    assert_eq!(put(&announced, b"abc".to_vec()).await.status, 200);
    // A stored file cannot be overwritten.
    assert_eq!(put(&announced, b"xyz".to_vec()).await.status, 412);
    assert_eq!(agent.get(&format!("/api/v1/files/{}/download", id(&announced))).await.text(), "abc");
}

#[tokio::test]
async fn of_concurrent_messages_one_gets_a_direct_upload() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let announced = announce(&agent, "a", "text/plain", 3).await;
    put(&announced, b"abc".to_vec()).await.expect(200);
    let claims = (0..6).map(|_| agent.send(json!({ "attachmentIds": [id(&announced)] })));
    let statuses: Vec<u16> = futures_util::future::join_all(claims).await.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 400].contains(status)), "{statuses:?}");
}

#[tokio::test]
async fn an_answer_may_name_a_direct_upload_once_it_arrived() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let announced = announce(&agent, "a", "text/plain", 3).await;
    let review = agent.request_approval().await;
    let answer = json!({ "response": { "selectedOption": "approve" }, "modifiedFileIds": [id(&announced)] });
    let path = format!("/api/messages/{review}/respond");
    assert_eq!(person.post(&path, answer.clone()).await.expect_invalid(), ["modifiedFileIds.0"]);
    put(&announced, b"abc".to_vec()).await.expect(200);
    assert_eq!(person.post(&path, answer).await.expect(201)["review"]["modifiedFileIds"], json!([id(&announced)]));
    assert_eq!(agent.get_in_channel("/api/v1/files").await.expect(200)[0]["id"], id(&announced));
}

#[tokio::test]
async fn errors_of_a_presign_call_are_named() {
    let world = World::start().await;
    let (agent, stranger) = (world.person().await.agent().await, world.person().await.agent().await);
    let presign = async |who: &Agent, body: Value| who.post("/api/v1/files/presign", body).await;
    let empty = presign(&agent, json!({})).await.expect_invalid();
    assert_eq!(empty, ["channelId", "filename", "mimeType", "size"]);
    let request =
        |size: Value| json!({ "channelId": agent.channel, "filename": "a", "mimeType": "text/plain", "size": size });
    for size in [json!(-1), json!(1.5), json!("3"), json!(null)] {
        assert_eq!(presign(&agent, request(size)).await.expect_invalid(), ["size"]);
    }
    for size in [json!(5_000_000_001_u64), json!(1e300)] {
        presign(&agent, request(size)).await.expect_error(413, "too_large");
    }
    presign(&agent, request(json!(5_000_000_000_u64))).await.expect(201);
    let mut long = request(json!(-1));
    long["filename"] = json!("n".repeat(1025));
    assert_eq!(presign(&agent, long).await.expect_invalid(), ["size", "filename"]);
    presign(&stranger, request(json!(1))).await.expect_error(403, "not_your_agent");
    presign(&agent.with_key("hp_nonsense"), json!({})).await.expect_error(401, "unauthorized");
    assert_eq!(presign(&agent, request(json!(1))).await.calls_and_round_trips(), (2, 2));
}

#[tokio::test]
async fn names_of_direct_uploads_are_data() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for name in ["../../x", "a\r\nX: y\u{0}", "Grüße 🦀", &"ü".repeat(1000)] {
        let announced = announce(&agent, name, "text/plain\r\nX: y", 1).await;
        assert_eq!(announced["attachment"]["filename"], name);
        assert_eq!(announced["attachment"]["mimeType"], "application/octet-stream");
        put(&announced, vec![1]).await.expect(200);
        let got = agent.get(&format!("/api/v1/files/{}/download", id(&announced))).await;
        assert_eq!((got.status, got.headers.get("x")), (200, None));
    }
}
