//! `GET /api/v1/files/{id}/download`: bytes, headers, and safety of names and types

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use test_support::{Reply, World};

#[tokio::test]
async fn a_stored_file_comes_back_byte_for_byte() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let file = agent.upload("store", "a.png", "image/png", bytes.clone()).await.expect(201);
    assert!(file["storageKey"].as_str().unwrap().starts_with("uploads/"));
    insta::assert_json_snapshot!(file, {
        ".id" => "[id]", ".channelId" => "[agent]", ".storageKey" => "[key]", ".createdAt" => "[time]",
    }, @r#"
    {
      "channelId": "[agent]",
      "createdAt": "[time]",
      "filename": "a.png",
      "id": "[id]",
      "messageId": null,
      "mimeType": "image/png",
      "pluginType": "image",
      "size": 100000,
      "storageKey": "[key]",
      "textContent": null
    }
    "#);
    let got = agent.get(&format!("/api/v1/files/{}/download", file["id"].as_str().unwrap())).await;
    got.expect(200);
    assert_eq!(got.bytes, bytes);
    assert_eq!((got.header("content-type"), got.header("content-length")), ("image/png", "100000"));
    assert!(!got.header("etag").is_empty());
    assert_eq!(got.header("content-disposition"), "inline; filename=\"a.png\"; filename*=UTF-8''a.png");
    assert_eq!(got.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn an_upload_also_makes_a_message_that_holds_it() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let file = agent.upload("upload", "r.md", "text/markdown", "# R").await.expect(201);
    let message = file["messageId"].as_str().unwrap();
    let body = agent.get_in_channel(&format!("/api/v1/messages/{message}")).await.expect(200);
    assert_eq!((&body["attachments"][0]["id"], &body["text"]), (&file["id"], &json!(null)));
    assert_eq!(body["attachments"][0]["textContent"], "# R");
}

#[tokio::test]
async fn files_are_listed_newest_first() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other) = (person.agent().await, person.agent().await);
    let (first, second) = (agent.store_file().await, agent.store_file().await);
    other.store_file().await;
    let list = agent.get_in_channel("/api/v1/files").await.expect(200);
    assert_eq!((&list[0]["id"], &list[1]["id"], list.as_array().unwrap().len()), (&json!(second), &json!(first), 2));
}

#[tokio::test]
async fn names_are_data() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let long = "ü".repeat(1000);
    for (name, shown) in [
        ("../../etc/passwd", "inline; filename=\".._.._etc_passwd\"; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd"),
        ("Grüße 🦀.txt", "inline; filename=\"Gr__e _.txt\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%F0%9F%A6%80.txt"),
        ("a;b=c.txt", "inline; filename=\"a;b=c.txt\"; filename*=UTF-8''a%3Bb%3Dc.txt"),
        (long.as_str(), ""),
    ] {
        let file = agent.upload("store", name, "text/plain", "x").await.expect(201);
        assert_eq!(file["filename"], name);
        let got = agent.get(&format!("/api/v1/files/{}/download", file["id"].as_str().unwrap())).await;
        got.expect(200);
        assert!(got.header("content-disposition").len() < 4000);
        assert!(
            shown.is_empty() || got.header("content-disposition") == shown,
            "{}",
            got.header("content-disposition")
        );
    }
    let reply = agent.upload("store", &"n".repeat(1025), "text/plain", "x").await;
    assert_eq!(reply.expect_invalid(), ["file.filename"]);
}

#[tokio::test]
async fn control_characters_in_a_name_are_kept_and_shown_safely() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let name = "a\r\nSet-Cookie: x=1\u{0}\t\"\\.txt";
    let body = json!({ "textAttachments": [{ "content": "x", "filename": name, "mimeType": "text/plain\r\nX: y" }] });
    let message = agent.send(body).await.expect(201);
    let file = &message["attachments"][0];
    // A type that is no valid header value is replaced by the type of the name.
    assert_eq!((&file["filename"], &file["mimeType"]), (&json!(name), &json!("text/plain")));
    let got = agent.get(&format!("/api/v1/files/{}/download", file["id"].as_str().unwrap())).await;
    got.expect(200);
    assert!(got.headers.get("set-cookie").is_none() && got.headers.get("x").is_none());
    assert!(
        got.header("content-disposition").starts_with("inline; filename=\"a__Set-Cookie: x=1____.txt\"; filename*=")
    );
}

#[tokio::test]
async fn active_content_is_sandboxed() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (mime, sandboxed) in
        [("text/html", true), ("image/svg+xml", true), ("image/png", false), ("application/pdf", false)]
    {
        let file = agent.upload("store", "f", mime, "x").await.expect(201);
        let got = agent.get(&format!("/api/v1/files/{}/download", file["id"].as_str().unwrap())).await;
        assert_eq!(got.header("content-security-policy").contains("sandbox"), sandboxed, "{mime}");
    }
    let two = json!({ "channelId": agent.channel, "content": "x", "mimeType": "text/plain;a=b,text/html" });
    let file = agent.post("/api/v1/files/store-text", two).await.expect(201);
    let got = agent.get(&format!("/api/v1/files/{}/download", file["id"].as_str().unwrap())).await;
    assert_eq!(got.header("content-type"), "text/markdown");
    assert!(got.header("content-security-policy").contains("sandbox"));
}

#[tokio::test]
async fn an_upload_holds_at_most_4_5_megabytes() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let file = agent.upload("store", "big", "application/zip", vec![7; 4_500_000]).await.expect(201);
    let got = agent.get(&format!("/api/v1/files/{}/download", file["id"].as_str().unwrap())).await;
    assert_eq!(got.bytes.len(), 4_500_000);
    for size in [4_500_001, 12_000_000] {
        let error = agent.upload("store", "big", "application/zip", vec![7; size]).await.expect_error(413, "too_large");
        assert!(error["message"].as_str().unwrap().contains("/api/v1/files/presign"), "{error}");
    }
    assert_eq!(agent.get_in_channel("/api/v1/files").await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn missing_fields_of_an_upload_are_named() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let post = |form: Form| Reply::fetch(agent.request(Method::POST, "/api/v1/files/store").multipart(form));
    assert_eq!(post(Form::new().text("other", "x")).await.expect_invalid(), ["channelId", "file"]);
    let only_file = Form::new().part("file", Part::bytes(vec![1]).file_name("a"));
    assert_eq!(post(only_file).await.expect_invalid(), ["channelId"]);
    let elsewhere = Form::new().part("file", Part::bytes(vec![1]).file_name("a")).text("channelId", "agt_nonsense");
    post(elsewhere).await.expect_error(403, "not_your_agent");
}

#[tokio::test]
async fn a_body_of_another_kind_is_refused() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    agent
        .post("/api/v1/files/store", json!({ "channelId": agent.channel }))
        .await
        .expect_error(415, "unsupported_media_type");
    let request = agent.request(Method::POST, "/api/v1/files/store");
    let broken = request.header("Content-Type", "multipart/form-data; boundary=x").body("--x\r\nbroken");
    Reply::fetch(broken).await.expect_invalid();
    let request = agent.request(Method::POST, "/api/v1/files/upload").header("Content-Type", "multipart/form-data");
    Reply::fetch(request.body("x")).await.expect_invalid();
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let file = agent.upload("store", "", "text/plain", Vec::new()).await.expect(201);
    assert_eq!((&file["size"], &file["filename"]), (&json!(0), &json!("file")));
    let got = agent.get(&format!("/api/v1/files/{}/download", file["id"].as_str().unwrap())).await;
    assert_eq!((got.status, got.bytes.len()), (200, 0));
}

#[tokio::test]
async fn texts_of_up_to_64_kib_are_shown_in_messages() {
    const LIMIT: usize = 64 * 1024;
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (size, shown) in [(LIMIT - 1, true), (LIMIT, true), (LIMIT + 1, false)] {
        // The limit is in bytes, not characters.
        let text = "ü".repeat(size / 2) + &"x".repeat(size % 2);
        let message = agent.send(json!({ "textAttachments": [{ "content": text }] })).await.expect(201);
        let read =
            agent.get_in_channel(&format!("/api/v1/messages/{}", message["id"].as_str().unwrap())).await.expect(200);
        for message in [message, read] {
            let content = &message["attachments"][0]["textContent"];
            assert_eq!(content, &if shown { json!(text) } else { json!(null) }, "{size} bytes");
        }
    }
}

#[tokio::test]
async fn text_types_are_recognised_with_parameters_and_in_any_case() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (mime, shown) in [
        ("text/plain", true),
        ("text/html", true),
        ("text/csv", true),
        ("text/html; charset=utf-8", true),
        ("Text/CSV;charset=UTF-8;header=present", true),
        ("TEXT/PLAIN ; charset=\"utf-8\"", true),
        ("text/Markdown", true),
        ("text/x-markdown", false),
        ("text/plainer", false),
        ("application/json", false),
        ("application/json; x=text/html", false),
    ] {
        let text = json!([{ "content": "a,b", "mimeType": mime }]);
        let message = agent.send(json!({ "textAttachments": text })).await.expect(201);
        let file = &message["attachments"][0];
        let content = if shown { json!("a,b") } else { json!(null) };
        assert_eq!((&file["mimeType"], &file["textContent"]), (&json!(mime), &content));
        let got = agent.get(&format!("/api/v1/files/{}/download", file["id"].as_str().unwrap())).await;
        assert_eq!(got.header("content-type"), mime);
    }
}

#[tokio::test]
async fn image_types_are_recognised_in_any_case() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (mime, shown) in [
        ("image/png", "image"),
        ("IMAGE/SVG+XML", "image"),
        ("Image/x-anything; a=b", "image"),
        ("imagery/png", "file"),
        ("image", "file"),
        ("application/pdf", "file"),
    ] {
        let body = json!({ "channelId": agent.channel, "content": "x", "mimeType": mime });
        let file = agent.post("/api/v1/files/store-text", body).await.expect(201);
        assert_eq!(file["pluginType"], shown, "{mime}");
    }
}
