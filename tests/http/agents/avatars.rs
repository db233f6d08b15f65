//! `/api/agents/{id}/avatar`: uploading, serving and deleting pictures

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use test_support::{Person, Reply, World};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand the rest";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0 and the rest";

async fn upload_avatar(person: &Person, id: &str, bytes: &[u8]) -> Reply {
    let part = Part::bytes(bytes.to_vec()).file_name("a.svg").mime_str("image/svg+xml").unwrap();
    let form = Form::new().text("other", "x").part("file", part);
    Reply::fetch(person.request(Method::POST, &format!("/api/agents/{id}/avatar")).multipart(form)).await
}

#[tokio::test]
async fn a_picture_is_served_with_the_type_of_its_bytes() {
    let world = World::start().await;
    let person = world.person().await;
    let id = person.agent().await.channel;
    let reply = upload_avatar(&person, &id, PNG).await;
    assert_eq!(reply.calls_and_round_trips(), (2, 2));
    let url = reply.expect(201)["avatarUrl"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&format!("/api/agents/{id}/avatar?v=")), "{url}");
    let got = person.get(&url).await;
    got.expect(200);
    assert_eq!((got.bytes.as_slice(), got.header("content-type"), got.cost().calls), (PNG, "image/png", 1));
    assert_eq!(got.header("cache-control"), "private, max-age=31536000, immutable");
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    let plain = person.get(&format!("/api/agents/{id}/avatar")).await;
    assert_eq!((plain.status, plain.header("cache-control")), (200, "private, no-cache"));
    let known = person.request(Method::GET, &url).header("If-None-Match", got.header("etag"));
    let known = Reply::fetch(known).await;
    assert_eq!((known.status, known.bytes.len(), known.header("etag")), (304, 0, got.header("etag")));
}

#[tokio::test]
async fn a_new_picture_replaces_the_old_one() {
    let world = World::start().await;
    let person = world.person().await;
    let id = person.agent().await.channel;
    let old = upload_avatar(&person, &id, PNG).await.expect(201)["avatarUrl"].clone();
    let new = upload_avatar(&person, &id, JPEG).await.expect(201)["avatarUrl"].clone();
    assert_ne!(old, new);
    let got = person.get(old.as_str().unwrap()).await;
    assert_eq!((got.bytes.as_slice(), got.header("content-type")), (JPEG, "image/jpeg"));
    let gone = person.delete(&format!("/api/agents/{id}/avatar")).await.expect(200);
    assert_eq!((&gone["avatarUrl"], &gone["id"]), (&json!(null), &json!(id)));
    person.get(new.as_str().unwrap()).await.expect_error(404, "not_found");
    person.delete(&format!("/api/agents/{id}/avatar")).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn a_url_replaces_an_uploaded_picture() {
    let world = World::start().await;
    let person = world.person().await;
    let id = person.agent().await.channel;
    upload_avatar(&person, &id, PNG).await.expect(201);
    let patch = person.request(Method::PATCH, &format!("/api/agents/{id}"));
    let changed = Reply::fetch(patch.json(&json!({ "avatarUrl": "https://a.example/a.png" }))).await.expect(200);
    assert_eq!(changed["avatarUrl"], "https://a.example/a.png");
    person.get(&format!("/api/agents/{id}/avatar")).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn pictures_over_one_megabyte_are_refused() {
    let world = World::start().await;
    let person = world.person().await;
    let id = person.agent().await.channel;
    for bytes in [b"<svg xmlns='http://www.w3.org/2000/svg'/>".as_slice(), b"", b"\x89PN", b"RIFF1234WAVE"] {
        assert_eq!(upload_avatar(&person, &id, bytes).await.expect_invalid(), ["file"]);
    }
    let mut big = b"GIF89a".to_vec();
    big.resize(1024 * 1024, 0);
    upload_avatar(&person, &id, &big).await.expect(201);
    big.push(0);
    upload_avatar(&person, &id, &big).await.expect_error(413, "too_large");
    let post = || person.request(Method::POST, &format!("/api/agents/{id}/avatar"));
    assert_eq!(Reply::fetch(post().multipart(Form::new().text("other", "x"))).await.expect_invalid(), ["file"]);
    Reply::fetch(post().json(&json!({}))).await.expect_error(415, "unsupported_media_type");
    let webp = upload_avatar(&person, &id, b"RIFF1234WEBPVP8 ").await.expect(201);
    assert_eq!(person.get(webp["avatarUrl"].as_str().unwrap()).await.header("content-type"), "image/webp");
}

#[tokio::test]
async fn another_persons_picture_is_not_found() {
    let world = World::start().await;
    let (anna, ben) = (world.person().await, world.person().await);
    let id = anna.agent().await.channel;
    upload_avatar(&ben, &id, PNG).await.expect_error(404, "not_found");
    let url = upload_avatar(&anna, &id, PNG).await.expect(201)["avatarUrl"].as_str().unwrap().to_owned();
    ben.get(&url).await.expect_error(404, "not_found");
    ben.delete(&format!("/api/agents/{id}/avatar")).await.expect_error(404, "not_found");
    anna.get(&url).await.expect(200);
}
