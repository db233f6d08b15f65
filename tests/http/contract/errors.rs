//! Every error has the same body, and 401 precedes all other errors.

use reqwest::{Client, Method};
use serde_json::json;
use test_support::contract::{Call, CallerKind, Placeholder, routes};
use test_support::{Agent, Person, Reply, World};

const AGENT_ROUTES: &[(&str, &str)] = &[
    ("POST", "/api/v1/messages"),
    ("GET", "/api/v1/messages"),
    ("GET", "/api/v1/messages/x"),
    ("DELETE", "/api/v1/messages/x"),
    ("GET", "/api/v1/reviews/pending"),
    ("GET", "/api/v1/reviews/x"),
    ("GET", "/api/v1/reviews/x/wait"),
    ("POST", "/api/v1/files/store"),
    ("POST", "/api/v1/files/upload"),
    ("GET", "/api/v1/files"),
    ("GET", "/api/v1/files/x/download"),
    ("POST", "/api/v1/status/ping"),
];

const HUMAN_ROUTES: &[(&str, &str)] = &[
    ("GET", "/api/auth/me"),
    ("GET", "/api/api-keys"),
    ("POST", "/api/api-keys"),
    ("POST", "/api/api-keys/x/rotate"),
    ("DELETE", "/api/api-keys/x"),
    ("GET", "/api/agents"),
    ("POST", "/api/agents"),
    ("GET", "/api/messages"),
    ("GET", "/api/messages/reviews"),
    ("GET", "/api/messages/reviews/history"),
    ("GET", "/api/messages/reviews/history.csv"),
    ("POST", "/api/messages"),
    ("POST", "/api/messages/x/respond"),
    ("GET", "/api/files/x/download"),
    ("GET", "/api/changes"),
];

#[tokio::test]
async fn an_unauthenticated_caller_gets_401_whatever_else_is_wrong() {
    let world = World::start().await;
    let person = world.person().await;
    let revoked = person.agent().await;
    let id = person.get("/api/api-keys").await.expect(200)[0]["id"].as_str().unwrap().to_owned();
    person.delete(&format!("/api/api-keys/{id}")).await.expect(200);
    let forged = format!("hp_{}{}", "a".repeat(43), &revoked.key[46..]);
    let session = forged.replace("hp_", "hs_");

    for (routes, credentials) in [
        (AGENT_ROUTES, vec!["", "hp_", "hp_x", "nonsense", &revoked.key, &forged, &session]),
        (HUMAN_ROUTES, vec!["", "hs_x", &session, &revoked.key]),
    ] {
        for (method, path) in routes {
            for credential in &credentials {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let request = Client::new().request(method.clone(), format!("{}{path}?limit=x", world.url));
                let request = if credential.is_empty() { request } else { request.bearer_auth(credential) };
                let reply = Reply::fetch(request.body("{")).await;
                assert_eq!(reply.status, 401, "{method} {path} with {credential}: {}", reply.text());
                reply.expect_error(401, "unauthorized");
                assert_eq!(reply.header("www-authenticate"), "Bearer");
                assert!(!reply.text().contains(&revoked.key));
            }
        }
    }
}

#[tokio::test]
async fn the_frameworks_errors_have_our_body() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let body = agent.get("/api/v2/nothing").await.expect_error(404, "not_found");
    assert_eq!(body["path"], "/api/v2/nothing");
    let wrong = Reply::fetch(agent.request(Method::PUT, "/api/v1/messages")).await;
    wrong.expect_error(405, "method_not_allowed");
    assert!(wrong.header("allow").contains("POST"), "{:?}", wrong.headers);
    assert_eq!(wrong.header("x-request-id"), wrong.json()["requestId"].as_str().unwrap());
}

#[tokio::test]
async fn malformed_json_is_refused() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let post = |body: Vec<u8>, kind: &'static str| {
        Reply::fetch(agent.request(Method::POST, "/api/v1/messages").header("Content-Type", kind).body(body))
    };
    let json = "application/json";
    let deep = format!("{{\"metadata\":{}1{}}}", "{\"a\":".repeat(200), "}".repeat(200));
    for body in ["", "{", "{\"text\":\"a\"", "{\"text\":\"\\ud800\"}", "{\"a\":01}", "nul", &deep] {
        post(body.into(), json).await.expect_error(400, "malformed_json");
    }
    post(b"{\"text\":\"\xff\"}".to_vec(), json).await.expect_error(400, "malformed_json");
    for body in ["[]", "1", "null", "\"text\""] {
        post(body.into(), json).await.expect_error(400, "validation_failed");
    }
    post("{}".into(), "text/plain").await.expect_error(415, "unsupported_media_type");
    post("{}".into(), "application/json; charset=utf-8").await.expect_error(400, "validation_failed");
    post(vec![b' '; 5_000_000], json).await.expect_error(413, "too_large");
}

#[tokio::test]
async fn malformed_and_foreign_channels_get_the_same_error() {
    let world = World::start().await;
    let (agent, stranger) = (world.person().await.agent().await, world.person().await.agent().await);
    let absent = format!("agt_{}", "0".repeat(26));
    let mut messages = vec![];
    for channel in [stranger.channel.as_str(), &absent, "nonsense", "🦀"] {
        let elsewhere = agent.with_channel(channel);
        for reply in [
            elsewhere.get_in_channel("/api/v1/messages").await,
            elsewhere.get_in_channel("/api/v1/messages/x").await,
            elsewhere.get_in_channel("/api/v1/reviews/pending").await,
            elsewhere.get_in_channel("/api/v1/files").await,
            elsewhere.send(json!({ "text": "hi" })).await,
            elsewhere.upload("store", "a", "text/plain", "x").await,
        ] {
            messages.push(reply.expect_error(403, "not_your_agent")["message"].clone());
        }
    }
    assert!(messages.iter().all(|message| message == "Not your agent"));
}

#[tokio::test]
async fn malformed_ids_are_not_found() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let lowercased = agent.request_approval().await.to_lowercase();
    for id in ["x", "%F0%9F%A6%80", "%00", "..%2F..", &lowercased, "msg_", &"z".repeat(3000)] {
        agent.get_in_channel(&format!("/api/v1/messages/{id}")).await.expect_error(404, "not_found");
        agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await.expect_error(404, "not_found");
        agent.get_in_channel(&format!("/api/v1/reviews/{id}/wait")).await.expect_error(404, "not_found");
        agent.get(&format!("/api/v1/files/{id}/download")).await.expect_error(404, "not_found");
        person.answer(id, json!({})).await.expect_error(404, "not_found");
        person.delete(&format!("/api/api-keys/{id}")).await.expect_error(404, "not_found");
    }
}

#[tokio::test]
async fn a_key_in_a_path_is_in_no_error() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for path in ["/api/v1/messages/{key}", "/api/v1/reviews/{key}/wait", "/nothing/{key}", "/api/messages/{key}"] {
        let reply = agent.get(&path.replace("{key}", &agent.key)).await;
        assert!(reply.status >= 400 && !reply.text().contains(&agent.key[3..46]), "{path}: {}", reply.text());
        assert_eq!(reply.json()["path"], path.replace("{key}", "***"));
    }
}

#[tokio::test]
async fn a_storage_failure_is_503_with_retry_after() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let person = Person::signed_out(&world.url, "someone@people.example", "12345678");
    let broken = broken_storage(&world).await;
    let agent = Agent::new(&broken, &agent.key, &agent.channel);
    for reply in [agent.get_in_channel("/api/v1/messages").await, agent.send(json!({ "text": "x" })).await] {
        let body = reply.expect_error(503, "storage_unavailable");
        assert!(!reply.header("retry-after").is_empty());
        assert!(!body.to_string().to_lowercase().contains("dynamo"), "{body}");
    }
    assert_eq!(person.get("/health").await.status, 200);
}

/// The same routers with storage at a closed port; returns their URL.
async fn broken_storage(world: &World) -> String {
    use shared::aws::{Clients, Endpoints};
    use shared::http::App;
    let closed = "http://127.0.0.1:9".to_owned();
    let endpoints = Endpoints {
        dynamodb: closed.clone(),
        s3: closed.clone(),
        sqs: closed,
        access_key: "x".into(),
        secret_key: "y".into(),
        in_process: None,
    };
    let (clock, waits) = (world.app.clock.clone(), world.app.long_polls.clone());
    let app = App::new(&Clients::at(&endpoints).await, "t", "b", clock, waits, test_support::secrets());
    let listener = placet_local::server::bind([127, 0, 0, 1].into(), 0).await.unwrap();
    let url = placet_local::server::url(&listener).unwrap();
    let (never, closing) = tokio::sync::watch::channel(false);
    let routes = placet_local::server::routes(Default::default(), &plugins::Plugins::bundled());
    let service = shared::http::service(routes, app);
    tokio::spawn(async move {
        let _open = never;
        placet_local::server::serve(listener, service, closing).await
    });
    url
}

#[tokio::test]
async fn health_needs_no_key() {
    let world = World::start().await;
    let body = Person::signed_out(&world.url, "", "").get("/health").await.expect(200);
    assert_eq!(
        (&body["status"], body["version"].is_string(), body["timestamp"].is_string()),
        (&json!("ok"), true, true)
    );
}

#[tokio::test]
async fn agent_and_human_credentials_are_not_interchangeable() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let signed_in = person.sign_in().await;
    let token = signed_in.session_token().to_owned();
    let (with_token, visitor) = (agent.with_key(&token), Person::signed_out(&world.url, "", ""));
    let public = [
        "/health",
        "/.well-known/jwks.json",
        "/api/auth/login",
        "/api/auth/logout",
        "/api/share/nonsense",
        "/api/plugins/form/icon",
    ];
    for route in routes().into_iter().filter(|route| !public.contains(&route.path)) {
        let call = route.fill(|kind| if kind == Placeholder::Agent { agent.channel.clone() } else { "x".to_owned() });
        let requests = match route.by {
            CallerKind::Agent => vec![
                Call { by: CallerKind::Human, ..call.clone() }.request(&person, &agent),
                call.request(&visitor, &with_token),
            ],
            CallerKind::Human => vec![Call { by: CallerKind::Agent, ..call }.request(&visitor, &agent)],
        };
        for request in requests {
            Reply::fetch(request).await.expect_error(401, "unauthorized");
        }
    }
}
