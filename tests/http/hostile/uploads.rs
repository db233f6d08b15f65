//! Multipart bodies and file names of every upload route.

use reqwest::multipart::{Form, Part};
use serde_json::json;
use test_support::contract::{BodyTemplate, Call, Route, routes};

use super::{Caller, send_checked};

fn uploads() -> Vec<Route> {
    routes().into_iter().filter(|route| matches!(route.body, BodyTemplate::Upload(_))).collect()
}

/// A valid body with the boundary `b`.
fn valid_body(caller: &Caller) -> Vec<u8> {
    let field = |name: &str, value: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{value}\r\n");
    let channel = &caller.agent.channel;
    let mut body = field("channelId", &format!("\r\n\r\n{channel}"));
    body += &field("file", "; filename=\"a.gif\"\r\nContent-Type: image/gif\r\n\r\nGIF89a");
    (body + "--b--\r\n").into_bytes()
}

async fn upload(caller: &Caller, call: &Call, boundary: &str, body: Vec<u8>, what: &str) -> u16 {
    let request = call.request_without_body(&caller.person, &caller.agent);
    let request = request.header("Content-Type", format!("multipart/form-data; boundary={boundary}")).body(body);
    send_checked(request, &format!("{} {}: {what}", call.method, call.path)).await.status
}

#[tokio::test]
async fn truncated_multipart() {
    let caller = Caller::new().await;
    let valid = valid_body(&caller);
    for call in uploads().iter().map(|route| caller.call(route)) {
        for end in (0..valid.len() - 4).step_by(17) {
            let status = upload(&caller, &call, "b", valid[..end].to_vec(), "cut").await;
            assert!((400..500).contains(&status), "{} cut at {end}: {status}", call.path);
        }
    }
}

#[tokio::test]
async fn hostile_multipart() {
    let caller = Caller::new().await;
    let many: String =
        (0..10_000).map(|n| format!("--b\r\nContent-Disposition: form-data; name=\"f{n}\"\r\n\r\nx\r\n")).collect();
    let headers: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let attacks: Vec<(&str, String, Vec<u8>)> = vec![
        ("10,000 fields", "b".into(), format!("{many}--b--\r\n").into_bytes()),
        ("almost boundaries", "b".into(), "\r\n--".repeat(500_000).into_bytes()),
        ("a long boundary, almost", "-".repeat(70), "\r\n-".repeat(500_000).into_bytes()),
        ("a boundary of 10,000", "x".repeat(10_000), b"--x".to_vec()),
        ("a boundary of odd signs", "\"(.*)+\\\\\"".into(), b"--(.*)+\r\n".to_vec()),
        ("no boundary", String::new(), b"--\r\n\r\n--".to_vec()),
        ("many headers", "b".into(), format!("--b\r\n{headers}\r\nx\r\n--b--\r\n").into_bytes()),
        ("an endless header", "b".into(), format!("--b\r\nX: {}", "y".repeat(1_000_000)).into_bytes()),
        ("a part without a name", "b".into(), b"--b\r\n\r\nx\r\n--b--\r\n".to_vec()),
        (
            "names that are not UTF-8",
            "b".into(),
            b"--b\r\nContent-Disposition: form-data; name=\"\xff\"; filename=\"\xfe\"\r\n\r\nx\r\n--b--\r\n".to_vec(),
        ),
        (
            "a channel that is not UTF-8",
            "b".into(),
            b"--b\r\nContent-Disposition: form-data; name=\"channelId\"\r\n\r\n\xff\xfe\r\n--b--\r\n".to_vec(),
        ),
    ];
    for call in uploads().iter().map(|route| caller.call(route)) {
        for (what, boundary, body) in &attacks {
            let status = upload(&caller, &call, boundary, body.clone(), what).await;
            assert!((400..500).contains(&status), "{} {what}: {status}", call.path);
        }
    }
}

#[tokio::test]
async fn names_are_kept_and_shown_safely() {
    let caller = Caller::new().await;
    let agent = &caller.agent;
    let thousand = "🦀".repeat(1000);
    for name in [
        "../x",
        "/etc/passwd",
        "C:\\x\\..\\y",
        "..",
        ".",
        "a\u{0}b",
        "a\"; filename=\"evil.exe",
        "\u{202e}gpj.exe",
        "\u{2066}a\u{2069}\u{200f}",
        "\u{1b}[31m\u{7f}\u{85}",
        "🏳️‍🌈.png",
        "e\u{301}",
        "<script>alert(1)</script>.html",
        "%2e%2e%2fx",
        "CON",
        &thousand,
    ] {
        let body = json!({ "textAttachments": [{ "content": "x", "filename": name }] });
        let created = agent.send(body).await.expect(201);
        let file = &created["attachments"][0];
        assert_eq!(file["filename"], name);
        let key = file["storageKey"].as_str().unwrap();
        assert!(key.is_ascii() && !key.contains("..") && !key.contains(name), "{key}");
        let path = format!("/api/v1/files/{}/download", file["id"].as_str().unwrap());
        let got = send_checked(agent.request(reqwest::Method::GET, &path), name).await;
        got.expect(200);
        let shown = got.header("content-disposition");
        assert!(shown.starts_with("inline; filename=\"") && shown.is_ascii(), "{shown}");
        assert!(
            !shown.bytes().any(|byte| byte.is_ascii_control()) && shown.matches("filename=").count() <= 2,
            "{shown}"
        );
        let list = agent.get_in_channel("/api/v1/files").await.expect(200);
        assert_eq!(list[0]["filename"], name);
    }
    for route in uploads() {
        let part = |name: &str| Part::bytes(b"x".to_vec()).file_name(name.to_owned());
        for name in ["../x", "\u{0}", "\r\n", &"n".repeat(5_000)] {
            let form = Form::new().text("channelId", agent.channel.clone()).part("file", part(name));
            let call = caller.call(&route);
            send_checked(
                call.request_without_body(&caller.person, agent).multipart(form),
                &format!("{} of {name:?}", route.path),
            )
            .await;
        }
    }
}
