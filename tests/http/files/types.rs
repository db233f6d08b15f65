//! The media type of a stored file: the declared one if it is specific, else that of the name, else
//! that of the first bytes.

use serde_json::{Value, json};
use test_support::{Agent, RawForm, World};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

async fn store(agent: &Agent, name: &str, declared: Option<&str>, bytes: &[u8]) -> Value {
    RawForm::for_agent(agent).file(name, declared, bytes).send(agent, "store").await.expect(201)
}

#[tokio::test]
async fn a_part_without_a_type_gets_the_type_of_its_name() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let unspecific = [None, Some(""), Some("application/octet-stream"), Some("binary/octet-stream"), Some("nonsense")];
    for (name, mime, plugin) in [
        ("chart.png", "image/png", "image"),
        ("photo.JPEG", "image/jpeg", "image"),
        ("paper.pdf", "application/pdf", "file"),
        ("clip.mp4", "video/mp4", "file"),
        ("README.md", "text/markdown", "file"),
        ("table.csv", "text/csv", "file"),
        ("note.txt", "text/plain", "file"),
        ("page.html", "text/html", "file"),
        ("drawing.svg", "image/svg+xml", "image"),
        ("sound.mp3", "audio/mpeg", "file"),
        ("two.dots.webp", "image/webp", "image"),
    ] {
        for declared in unspecific {
            let file = store(&agent, name, declared, b"x").await;
            assert_eq!((&file["mimeType"], &file["pluginType"]), (&json!(mime), &json!(plugin)), "{name} {declared:?}");
        }
    }
    let declared = store(&agent, "chart.png", Some("text/x-anything; a=b"), PNG).await;
    assert_eq!(declared["mimeType"], "text/x-anything; a=b");
    let uploaded = RawForm::for_agent(&agent).file("chart.png", None, PNG).send(&agent, "upload").await.expect(201);
    assert_eq!(uploaded["mimeType"], "image/png");
}

#[tokio::test]
async fn an_unknown_extension_is_typed_by_the_first_bytes() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (name, bytes, mime) in [
        ("chart", PNG, "image/png"),
        ("file", b"%PDF-1.7\n%", "application/pdf"),
        ("Dockerfile", b"FROM scratch\n", "text/plain"),
        ("app.ts", b"export const a = 1;", "text/plain"),
        ("IMG_0001", b"\0\0\0\x18ftypheic\0\0\0\0heicmif1", "image/heic"),
        ("data.bin", b"text", "application/octet-stream"),
        ("data", b"\x00\x01\x02\x03", "application/octet-stream"),
        ("empty", b"", "application/octet-stream"),
    ] {
        assert_eq!(store(&agent, name, None, bytes).await["mimeType"], mime, "{name}");
    }
}

#[tokio::test]
async fn a_stored_text_is_typed_by_its_name() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (file, mime) in [
        (json!({}), "text/markdown"),
        (json!({ "filename": "report" }), "text/markdown"),
        (json!({ "filename": "data.csv" }), "text/csv"),
        (json!({ "filename": "page.html" }), "text/html"),
        (json!({ "filename": "config.json", "mimeType": "application/octet-stream" }), "application/json"),
        (json!({ "filename": "config.json", "mimeType": "" }), "application/json"),
        (json!({ "filename": "data.csv", "mimeType": "text/plain" }), "text/plain"),
        (json!({ "filename": "Makefile", "mimeType": "application/octet-stream" }), "text/plain"),
    ] {
        let mut text = file.clone();
        text["content"] = json!("a,b\n1,2");
        let attached = agent.send(json!({ "textAttachments": [text] })).await.expect(201);
        assert_eq!(attached["attachments"][0]["mimeType"], mime, "{file}");
        text["channelId"] = json!(agent.channel);
        let stored = agent.post("/api/v1/files/store-text", text).await.expect(201);
        assert_eq!(stored["mimeType"], mime, "{file}");
    }
}

#[tokio::test]
async fn a_direct_upload_is_typed_by_its_name() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (name, declared, mime) in [
        ("film.mp4", "application/octet-stream", "video/mp4"),
        ("film.mp4", "", "video/mp4"),
        ("film.mp4", "nonsense", "video/mp4"),
        ("film.mp4", "video/x-own", "video/x-own"),
        ("film", "application/octet-stream", "application/octet-stream"),
    ] {
        let body = json!({ "channelId": agent.channel, "filename": name, "mimeType": declared, "size": 3 });
        let announced = agent.post("/api/v1/files/presign", body).await.expect(201);
        assert_eq!(announced["attachment"]["mimeType"], mime, "{name} {declared}");
        assert_eq!(announced["upload"]["headers"]["content-type"], mime);
    }
}

#[tokio::test]
async fn a_guessed_type_is_never_active_content() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let script = b"<!DOCTYPE html><html><script>alert(1)</script></html>";
    let svg = b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
    for (name, bytes, mime, sandboxed) in [
        ("page.html", &script[..], "text/html", true),
        ("page.xhtml", script, "application/xhtml+xml", true),
        ("page.svg", svg, "image/svg+xml", true),
        ("page.js", b"alert(1)", "text/javascript", true),
        // Content detection never yields a type that a browser could run.
        ("page", script, "text/plain", false),
        ("page", svg, "text/plain", false),
    ] {
        let file = store(&agent, name, None, bytes).await;
        assert_eq!(file["mimeType"], mime);
        let got = agent.get(&format!("/api/v1/files/{}/download", file["id"].as_str().unwrap())).await;
        assert_eq!(got.header("content-security-policy").contains("sandbox"), sandboxed, "{name} {mime}");
        assert_eq!((got.header("content-type"), got.header("x-content-type-options")), (mime, "nosniff"));
    }
}
