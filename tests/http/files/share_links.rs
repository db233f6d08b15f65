//! `GET /api/files/{id}/share` and `GET /api/share/{token}`

use std::time::Duration;

use reqwest::Method;
use shared::models::Attachment;
use shared::models::share_link::ShareLink;
use shared::secrets::ServerSecret;
use test_support::{Person, Reply, World};

use crate::files::direct_uploads::{announce, put};
use crate::files::uploads::unauthenticated_client;

async fn create_link(person: &Person, file: &str) -> String {
    let reply = person.get(&format!("/api/files/{file}/share")).await;
    let body = reply.expect(200);
    assert_eq!(body["expiresIn"], 3600);
    assert_eq!(reply.calls_and_round_trips(), (1, 1));
    body["url"].as_str().unwrap().to_owned()
}

async fn open(url: &str) -> Reply {
    Reply::fetch(unauthenticated_client().get(url)).await
}

#[tokio::test]
async fn a_share_link_opens_one_file_for_an_hour() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let agent = person.agent().await;
    let file = agent.upload("store", "page.html", "text/html", "<p>hi").await.expect(201);
    let id = file["id"].as_str().unwrap();
    stranger.get(&format!("/api/files/{id}/share")).await.expect_error(404, "not_found");
    let url = create_link(&person, id).await;
    assert!(url.starts_with(&format!("{}/api/share/", world.url)), "{url}");
    let got = open(&url).await;
    assert_eq!((got.status, got.text().as_str(), got.header("content-type")), (200, "<p>hi", "text/html"));
    assert!(got.header("content-security-policy").contains("sandbox"));
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    assert!(got.header("content-disposition").contains("page.html") && !got.header("etag").is_empty());
    assert_eq!(got.calls_and_round_trips(), (1, 1));
    let known = Reply::fetch(unauthenticated_client().get(&url).header("If-None-Match", got.header("etag"))).await;
    assert_eq!(known.status, 304);
    world.advance_clock(Duration::from_secs(3540));
    open(&url).await.expect(200);
    world.advance_clock(Duration::from_secs(61));
    open(&url).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn a_changed_share_link_opens_nothing() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let file = agent.upload("store", "a", "text/plain", "x").await.expect(201);
    let other = agent.store_file().await;
    let url = create_link(&person, file["id"].as_str().unwrap()).await;
    let (signed, signature) = url.rsplit_once('.').unwrap();
    let on_other = url.replace(file["id"].as_str().unwrap(), &other);
    for changed in [
        format!("{signed}0.{signature}"),
        format!("{signed}.{}", "A".repeat(signature.len())),
        format!("{signed}."),
        format!("{url}A"),
        url.replace("/api/share/", "/api/share/%00"),
        url.replace("/api/share/", "/api/share/%ff"),
        format!("{}/api/share/x", world.url),
        on_other,
    ] {
        open(&changed).await.expect_error(404, "not_found");
    }
    // Replacing the server secret ends every link.
    let attachment: Attachment = serde_json::from_value(file).unwrap();
    let created = ShareLink::of(&attachment, world.app.clock.now());
    open(&format!("{}/api/share/{}", world.url, created.token(world.app.secrets.current().unwrap()))).await.expect(200);
    let replaced = ServerSecret::new("another secret, after the first one leaked").unwrap();
    open(&format!("{}/api/share/{}", world.url, created.token(&replaced))).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn the_share_link_of_a_deleted_file_opens_nothing() {
    let world = World::start().await;
    let person = world.person().await;
    let file = person.agent().await.store_file().await;
    let url = create_link(&person, &file).await;
    person.delete(&format!("/api/files/{file}")).await.expect(200);
    open(&url).await.expect_error(404, "not_found");
    person.get(&format!("/api/files/{file}/share")).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn a_large_shared_file_comes_from_storage() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let announced = announce(&agent, "big", "image/png", 4_600_000).await;
    let file = announced["attachment"]["id"].as_str().unwrap();
    person.get(&format!("/api/files/{file}/share")).await.expect_error(404, "not_found");
    put(&announced, vec![9; 4_600_000]).await.expect(200);
    person.get(&format!("/api/files/{file}/download")).await.expect(302);
    let redirect = open(&create_link(&person, file).await).await;
    assert_eq!(redirect.status, 302);
    assert_eq!(open(redirect.header("location")).await.bytes.len(), 4_600_000);
}

#[tokio::test]
async fn a_share_link_uses_the_callers_base_url() {
    let world = World::start().await;
    let person = world.person().await;
    let path = format!("/api/files/{}/share", person.agent().await.store_file().await);
    let token = person.sign_in().await.session_token().to_owned();
    let shared = async |host: &str, proto: &str| {
        let request = person.request(Method::GET, &path).bearer_auth(&token);
        let request = request.header("Host", host).header("X-Forwarded-Proto", proto);
        Reply::fetch(request).await.expect(200)["url"].as_str().unwrap().to_owned()
    };
    assert!(shared("placet.example", "https").await.starts_with("https://placet.example/api/share/"));
    assert!(shared("[::1]:8080", "http").await.starts_with("http://[::1]:8080/api/share/"));
    assert!(shared("placet.example", "javascript").await.starts_with("http://placet.example/"));
    for odd in ["user:pass@evil.example", "evil.example/path", "a b", "evil.example?x"] {
        assert!(shared(odd, "https").await.starts_with("/api/share/"), "{odd}");
    }
}
