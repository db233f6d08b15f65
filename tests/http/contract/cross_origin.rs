//! Cross-origin requests of agents in browsers, and paths with surplus slashes.

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method};
use serde_json::json;
use shared::http::App;
use shared::http::cors::Cors;
use test_support::contract::{AGENT_API, CallerKind, HUMAN_API};
use test_support::{Person, Reply, World, raw_http};

const ORIGIN: &str = "https://agent.example";

async fn preflight(url: &str, path: &str, method: &str, origin: &str) -> Reply {
    let request = Client::new().request(Method::OPTIONS, format!("{url}{path}")).header("Origin", origin);
    let request = request.header("Access-Control-Request-Method", method);
    Reply::fetch(request.header("Access-Control-Request-Headers", "authorization, content-type, idempotency-key")).await
}

fn has_cors_headers(reply: &Reply) -> bool {
    reply.headers.keys().any(|name| name.as_str().starts_with("access-control-"))
}

#[tokio::test]
async fn scripts_of_any_origin_may_call_agent_routes_with_a_key() {
    let world = World::start().await;
    for route in AGENT_API {
        let reply = preflight(&world.url, route.path_without_query(), route.method, ORIGIN).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, ""), "{} {}", route.method, route.path);
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert_eq!(reply.header("access-control-allow-credentials"), "", "no cookies");
        assert!(reply.header("access-control-allow-methods").contains(route.method), "{}", route.method);
        for name in ["authorization", "content-type", "idempotency-key", "x-api-key"] {
            assert!(reply.header("access-control-allow-headers").contains(name), "{name}");
        }
    }
    let agent = world.person().await.agent().await;
    let read = Reply::fetch(agent.request(Method::GET, "/api/v1/agents").header("Origin", ORIGIN)).await;
    read.expect(200);
    assert_eq!(read.header("access-control-allow-origin"), "*");
    for name in ["x-request-id", "retry-after", "etag", "content-disposition"] {
        assert!(read.header("access-control-expose-headers").contains(name), "{name}");
    }
}

#[tokio::test]
async fn scripts_can_read_errors_too() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let unauthenticated = agent.with_key("hp_x");
    for (request, status) in [
        (unauthenticated.request(Method::GET, "/api/v1/agents"), 401),
        (agent.request(Method::POST, "/api/v1/messages").json(&json!({})), 400),
        (agent.request(Method::POST, "/api/v1/messages").body("x"), 415),
        (agent.request(Method::GET, "/api/v1/nothing"), 404),
        (agent.request(Method::PUT, "/api/v1/messages"), 405),
        (agent.request(Method::GET, "/api/v1/agents/"), 308),
    ] {
        let reply = Reply::fetch(request.header("Origin", ORIGIN)).await;
        assert_eq!(reply.status, status, "{}", reply.text());
        assert_eq!(reply.header("access-control-allow-origin"), "*", "{status}");
        assert!(!reply.header("x-request-id").is_empty(), "{status}");
    }
}

#[tokio::test]
async fn routes_for_people_are_closed_to_other_origins() {
    let world = World::start().await;
    let person = world.person().await;
    for route in HUMAN_API.iter().filter(|route| route.by == CallerKind::Human) {
        let path = format!("{}{}", world.url, route.path_without_query());
        let reply = preflight(&world.url, route.path_without_query(), route.method, ORIGIN).await;
        assert!(!has_cors_headers(&reply), "{} {path}: {:?}", route.method, reply.headers);
    }
    for path in ["/", "/login", "/api/auth/me", "/api/files", "/settings/keys", "/api/v1x", "/api/openapi.json"] {
        let reply = Reply::fetch(person.request(Method::GET, path).header("Origin", ORIGIN)).await;
        assert!(!has_cors_headers(&reply), "{path}: {:?}", reply.headers);
    }
}

#[tokio::test]
async fn with_a_list_only_listed_origins_may_call() {
    let world = World::start().await;
    let with = |cors: Cors| world.serve_also(placet_local::routes(), App { cors, ..world.app.clone() });
    let listed = with(Cors::of("https://agent.example, http://localhost:5173").unwrap()).await;
    for origin in [ORIGIN, "http://localhost:5173"] {
        let reply = preflight(&listed, "/api/v1/messages", "POST", origin).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, origin));
        assert!(reply.header("vary").to_lowercase().contains("origin"), "caches must keep the origins apart");
    }
    for origin in ["https://evil.example", "https://agent.example.evil.example", "http://agent.example", "null"] {
        let reply = preflight(&listed, "/api/v1/messages", "POST", origin).await;
        assert_eq!(reply.header("access-control-allow-origin"), "", "{origin}");
    }
    let closed = with(Cors::default()).await;
    let reply = preflight(&closed, "/api/v1/messages", "POST", ORIGIN).await;
    reply.expect_error(405, "method_not_allowed");
    assert!(!has_cors_headers(&reply));
}

/// Sends a request line that HTTP clients would normalise.
async fn get_raw(world: &World, target: &str, key: &str) -> Reply {
    let headers = [("x-api-key", key.as_bytes())];
    raw_http::send(&world.url, &raw_http::request("GET", target.as_bytes(), &headers, b"")).await.expect("an answer")
}

#[tokio::test]
async fn double_and_trailing_slashes_lead_to_the_intended_path() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (target, expected) in [
        ("//api/v1/agents", "/api/v1/agents"),
        ("/api/v1/agents/", "/api/v1/agents"),
        ("/api//v1///messages//?channel=a%2Fb&limit=1", "/api/v1/messages?channel=a%2Fb&limit=1"),
        ("/login/", "/login"),
        ("//", "/"),
    ] {
        let reply = get_raw(&world, target, &agent.key).await;
        assert_eq!((reply.status, reply.header("location")), (308, expected), "{target}");
    }
    // Clients follow the redirect with method, body and key.
    let url = |path: &str| format!("{}{path}", world.url);
    let request = Client::new().post(url("//api/v1/messages/")).header("x-api-key", &agent.key);
    Reply::fetch(request.json(&json!({ "channelId": agent.channel, "text": "x" }))).await.expect(201);
    let file = Part::bytes(vec![b'x'; 4_000_000]).file_name("large.bin");
    let form = Form::new().part("file", file).text("channelId", agent.channel.clone());
    let large = agent.request(Method::POST, "//api/v1/files/store").multipart(form);
    assert_eq!(Reply::fetch(large).await.status, 308, "the redirect arrives while the body is still being sent");
    let listed = Client::new().get(url("//api/v1/agents/")).header("x-api-key", &agent.key);
    assert_eq!(Reply::fetch(listed).await.expect(200)[0]["id"], agent.channel.as_str());
    let preflight = preflight(&world.url, "//api/v1/messages", "POST", ORIGIN).await;
    assert_eq!(preflight.status, 200, "a preflight is answered directly: browsers follow no redirect there");
}

#[tokio::test]
async fn no_redirect_leads_to_another_host() {
    let world = World::start().await;
    for target in [
        "//evil.example/x",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example/",
        "//\\evil.example",
        "//user@evil.example//",
        "//evil.example:443//%2F/",
        "//javascript:alert(1)/",
    ] {
        let reply = get_raw(&world, target, "").await;
        assert_eq!(reply.status, 308, "{target}");
        let location = reply.header("location");
        let target_url = url::Url::parse("https://placet.example/a/b").unwrap().join(location).unwrap();
        assert_eq!(target_url.host_str(), Some("placet.example"), "{target} redirects to {location}");
        assert!(location.starts_with('/') && !location.starts_with("//"), "{location}");
    }
    let visitor = Person::signed_out(&world.url, "", "");
    assert_eq!(visitor.get("/health").await.status, 200);
}
