//! What a page may load, and the headers of pages and assets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};
use test_support::{Reply, World};

#[tokio::test]
async fn pages_run_their_own_scripts_and_load_nothing_from_elsewhere() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.create_message(json!({ "text": "<script>alert(1)</script>", "review": { "type": "vote\"><script>", "payload": { "x": "<script>" } } })).await;
    for path in ["/", "/login", &format!("/reviews/{id}"), "/reviews/nothing"] {
        let page = person.get(path).await;
        let policy = page.header("content-security-policy");
        let origin = person.origin();
        let script = format!(" {origin}/assets/app.js; worker-src {origin}/sw.js; style-src 'self'; img-src");
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-") && policy.contains(&script), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert!(page.header("content-type").starts_with("text/html"), "{path}");
        let text = page.text();
        assert!(!text.replace("<script src=\"/assets/", "").contains("<script"), "{path}: {text}");
        assert!(!text.contains("http://") && !text.contains("https://") && !text.contains(" style="), "{path}: {text}");
    }
    person.get("/assets/secret").await.expect_error(404, "not_found");
}

#[tokio::test]
async fn assets_exist_and_are_immutable() {
    let world = World::start().await;
    let person = world.person().await;
    let page = person.get("/").await.text();
    let named = page.split(['"', '\'']).filter(|text| text.starts_with("/assets/")).collect::<Vec<_>>();
    // The style and the script, which load with the page, and an icon.
    assert_eq!(named.len(), 3, "{page}");
    for asset in named {
        let asset = person.get(asset).await;
        assert_eq!((asset.status, asset.header("cache-control")), (200, "public, max-age=31536000, immutable"));
    }
    // Without the current version in its URL, an asset may change.
    for path in ["/assets/style.css", "/assets/style.css?v=0"] {
        assert_eq!(person.get(path).await.header("cache-control"), "public, max-age=300");
    }
    let request = person.request(Method::GET, "/assets/style.css").header("accept-encoding", "br, gzip");
    let zipped = Reply::fetch(request).await;
    assert_eq!((zipped.header("content-encoding"), zipped.header("vary")), ("gzip", "accept-encoding"));
    assert!(zipped.bytes.len() * 3 < person.get("/assets/style.css").await.bytes.len());
}

#[tokio::test]
async fn html_is_sent_compressed_and_scripts_get_parts_of_a_page() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    let path = format!("/reviews/{id}");
    let zipped = Reply::fetch(person.request(Method::GET, &path).header("accept-encoding", "gzip")).await;
    assert_eq!((zipped.header("content-encoding"), zipped.header("vary")), ("gzip", "accept-encoding"));
    let plain = person.get(&path).await;
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "accept-encoding"));
    assert!(zipped.bytes.starts_with(b"\x1f\x8b") && zipped.bytes.len() * 2 < plain.bytes.len());

    let part = async |parts: &'static str| {
        let request = person.request(Method::GET, &path).header("placet-parts", parts);
        Reply::fetch(request).await.text()
    };
    let [rows, pane, answer] = [part("rows").await, part("pane").await, part("answer").await];
    assert!(rows.contains("id=\"rows\"") && !rows.contains("id=\"pane\""), "{rows}");
    assert!(pane.contains("id=\"asked\"") && !pane.contains("id=\"rows\""), "{pane}");
    assert!(answer.contains("id=\"answer\"") && !answer.contains("id=\"asked\""), "{answer}");
}

/// A file of an agent is served by this site, and is no script of its pages.
#[tokio::test]
async fn pages_run_the_script_with_their_hash_and_nothing_else_of_this_site() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let stored = agent.upload("store", "evil.js", "text/javascript", "alert(1)").await.expect(201);
    let file = format!("/api/files/{}/download", stored["id"].as_str().unwrap());
    assert!(person.get(&file).await.header("content-type").starts_with("text/javascript"));
    let page = person.get("/").await;
    let policy = page.header("content-security-policy").to_owned();
    let sources = policy.split("; ").find_map(|part| part.strip_prefix("script-src ")).unwrap();
    let (hash, address) = sources.split_once(' ').unwrap();
    let markup = page.text();
    let (_, tag) = markup.split_once("<script src=\"").unwrap();
    let script = person.get(tag.split('"').next().unwrap()).await;
    let digest = STANDARD.encode(Sha256::digest(&script.bytes));
    assert_eq!(hash, format!("'sha256-{digest}'"));
    assert!(tag.contains(&format!("integrity=\"sha256-{digest}\"")), "{tag}");
    assert_eq!(address, format!("{}/assets/app.js", person.origin()));
}

#[tokio::test]
async fn every_response_keeps_to_https_and_to_its_own_origin() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let file = agent.store_file().await;
    let shared = person.get(&format!("/api/files/{file}/share")).await.expect(200)["url"].as_str().unwrap().to_owned();
    let shared = &shared[shared.find("/api/share/").unwrap()..];
    let download = format!("/api/files/{file}/download");
    for (path, policy) in [
        ("/", "same-origin"),
        ("/login", "same-origin"),
        ("/health", "same-origin"),
        ("/nothing", "same-origin"),
        ("/assets/app.js", "same-origin"),
        ("/api/agents", "same-origin"),
        (&download, "same-origin"),
        (shared, "cross-origin"),
    ] {
        let over_http = person.get(path).await;
        assert_eq!(over_http.header("cross-origin-resource-policy"), policy, "{path}");
        assert!(!over_http.headers.contains_key("strict-transport-security"), "{path}");
        let over_https = Reply::fetch(person.request(Method::GET, path).header("x-forwarded-proto", "https")).await;
        assert_eq!(over_https.header("strict-transport-security"), "max-age=31536000", "{path}");
    }
    assert_eq!(person.get("/").await.header("cross-origin-opener-policy"), "same-origin");
}
