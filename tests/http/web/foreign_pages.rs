//! Cross-site requests: a page of another site makes a browser send calls with the person's cookie.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply, World};

/// The headers that browsers send for pages of other sites.
const FOREIGN_HEADERS: [&[(&str, &str)]; 8] = [
    &[("Sec-Fetch-Site", "same-site")],
    &[("Sec-Fetch-Site", "cross-site")],
    &[("Sec-Fetch-Site", "cross-site"), ("Origin", "null")],
    &[("Sec-Fetch-Site", "same-site"), ("Origin", "http://127.0.0.1:3991")],
    &[("Origin", "https://evil.example")],
    &[("Origin", "null")],
    &[("Origin", "http://127.0.0.1:1")],
    &[("Sec-Fetch-Site", "none"), ("Origin", "https://evil.example")],
];

fn with_headers(request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

/// Every call of the people's API that changes something, with valid input.
async fn writes(person: &Person, agent: &Agent) -> Vec<RequestBuilder> {
    let review = agent.request_approval().await;
    let file = agent.store_file().await;
    let keys = person.get("/api/api-keys").await.expect(200);
    let (key, channel) = (keys[0]["id"].as_str().unwrap().to_owned(), agent.channel.clone());
    let me = person.user_id().await;
    let post = |path: String, body: Value| person.request(Method::POST, &path).json(&body);
    let bare = |method: Method, path: String| person.request(method, &path);
    let form = || {
        let part = reqwest::multipart::Part::bytes(b"x".to_vec()).file_name("a.txt");
        reqwest::multipart::Form::new().part("file", part).text("channelId", channel.clone())
    };
    vec![
        // Seven calls that browsers send without a preflight.
        bare(Method::POST, "/api/files/upload".into()).multipart(form()),
        bare(Method::POST, "/api/files/store".into()).multipart(form()),
        bare(Method::POST, format!("/api/agents/{channel}/avatar")).multipart(form()),
        bare(Method::POST, format!("/api/agents/{channel}/read")),
        bare(Method::POST, format!("/api/api-keys/{key}/rotate")),
        bare(Method::POST, "/api/auth/refresh".into()),
        bare(Method::POST, "/api/auth/logout".into()),
        // All others.
        post(format!("/api/messages/{review}/respond"), json!({ "response": { "selectedOption": "approve" } })),
        post(format!("/api/messages/{review}/retry"), json!({})),
        post("/api/messages".into(), json!({ "channelId": channel, "text": "hello" })),
        post("/api/agents".into(), json!({ "name": "x" })),
        post("/api/api-keys".into(), json!({})),
        post("/api/users".into(), json!({ "email": "x@people.example" })),
        post(
            "/api/auth/change-password".into(),
            json!({ "currentPassword": person.password, "newPassword": "longer than 8" }),
        ),
        post(
            "/api/files/presign".into(),
            json!({ "channelId": channel, "filename": "a", "mimeType": "text/plain", "size": 1 }),
        ),
        post("/api/files/bulk-delete".into(), json!({ "ids": [file] })),
        post("/api/files/bulk-download".into(), json!({ "ids": [file] })),
        bare(Method::PATCH, format!("/api/agents/{channel}")).json(&json!({ "name": "y" })),
        bare(Method::PATCH, "/api/preferences".into()).json(&json!({ "theme": "dark" })),
        bare(Method::PATCH, format!("/api/users/{me}")).json(&json!({ "displayName": "y" })),
        bare(Method::PATCH, "/api/plugins/status-card".into()).json(&json!({ "env": {} })),
        post("/api/plugins/status-card/fetch".into(), json!({ "url": "https://example.com" })),
        bare(Method::DELETE, format!("/api/files/{file}")),
        bare(Method::DELETE, format!("/api/api-keys/{key}")),
        bare(Method::DELETE, format!("/api/agents/{channel}")),
        bare(Method::DELETE, format!("/api/users/{me}")),
    ]
}

#[tokio::test]
async fn a_foreign_page_changes_nothing_with_a_persons_cookie() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let read_all = async || {
        let mut responses = vec![];
        for path in ["/api/agents", "/api/api-keys", "/api/files", "/api/messages/reviews?status=all", "/api/auth/me"] {
            responses.push(person.get(path).await.expect(200));
        }
        responses
    };
    let requests = writes(&person, &agent).await;
    let before = read_all().await;
    for request in &requests {
        for headers in FOREIGN_HEADERS {
            let Some(request) = request.try_clone() else { continue };
            let reply = Reply::fetch(with_headers(request, headers)).await;
            reply.expect_error(403, "foreign_page");
            assert_eq!(reply.header("set-cookie"), "", "{headers:?}");
        }
    }
    // Multipart bodies cannot be cloned, so each is sent once.
    for (at, request) in writes(&person, &agent).await.into_iter().enumerate().take(3) {
        Reply::fetch(with_headers(request, FOREIGN_HEADERS[at])).await.expect_error(403, "foreign_page");
    }
    let after = read_all().await;
    let is_unchanged = |at: usize| before[at] == after[at];
    assert!(is_unchanged(0) && is_unchanged(1) && is_unchanged(4), "{before:?}\n{after:?}");
    assert_eq!(after[3][0]["review"]["status"], "pending");
}

#[tokio::test]
async fn same_origin_pages_programs_and_bearers_are_accepted() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let read = format!("/api/agents/{}/read", agent.channel);
    let own = person.origin();
    let own_headers: [&[(&str, &str)]; 5] = [
        &[],
        &[("Sec-Fetch-Site", "same-origin")],
        &[("Sec-Fetch-Site", "none")],
        &[("Origin", &own)],
        &[("Sec-Fetch-Site", "same-origin"), ("Origin", &own)],
    ];
    for headers in own_headers {
        Reply::fetch(with_headers(person.request(Method::POST, &read), headers)).await.expect(201);
    }
    let token = person.sign_in().await.session_token().to_owned();
    for headers in FOREIGN_HEADERS {
        let visitor = Person::signed_out(&world.url, "", "");
        // A bearer token is accepted: a foreign page does not have it.
        Reply::fetch(with_headers(visitor.request(Method::POST, &read).bearer_auth(&token), headers)).await.expect(201);
        // Reads are accepted, but a foreign page cannot see their response.
        let me = Reply::fetch(with_headers(person.request(Method::GET, "/api/auth/me"), headers)).await;
        me.expect(200);
        assert_eq!(me.header("access-control-allow-origin"), "");
        // Other credentials do not replace the check.
        let basic = person.request(Method::POST, &read).basic_auth("a", Some("b"));
        Reply::fetch(with_headers(basic, headers)).await.expect_error(403, "foreign_page");
        // Calls with an API key are accepted.
        let message = json!({ "channelId": agent.channel, "text": "x" });
        Reply::fetch(with_headers(agent.request(Method::POST, "/api/v1/messages").json(&message), headers))
            .await
            .expect(201);
    }
}

#[tokio::test]
async fn a_foreign_page_cannot_log_in_or_out() {
    let world = World::start().await;
    let person = world.person().await;
    for headers in FOREIGN_HEADERS {
        let visitor = Person::signed_out(&world.url, "", "");
        for (path, body) in [
            ("/api/auth/login", json!({ "email": person.email, "password": person.password })),
            ("/api/auth/logout", json!({})),
        ] {
            let reply = Reply::fetch(with_headers(visitor.request(Method::POST, path).json(&body), headers)).await;
            reply.expect_error(403, "foreign_page");
            assert_eq!(reply.header("set-cookie"), "", "{path}");
        }
    }
    person.get("/api/auth/me").await.expect(200);
}

#[tokio::test]
async fn pages_send_no_referrer() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let html =
        agent.upload("store", "a.html", "text/html", "<p>hi").await.expect(201)["id"].as_str().unwrap().to_owned();
    let image = agent.upload("store", "a.png", "image/png", "x").await.expect(201)["id"].as_str().unwrap().to_owned();
    let shared = person.get(&format!("/api/files/{html}/share")).await.expect(200)["url"].as_str().unwrap().to_owned();
    let shared = shared.split_once("/api/").map(|(_, path)| format!("/api/{path}")).unwrap();
    for path in [
        &format!("/files/{html}/frame"),
        &format!("/api/files/{html}/download"),
        &format!("/api/files/{image}/download"),
        &shared,
        "/api/plugins/status-card/render",
        "/api/auth/me",
        "/api/nothing",
        "/assets/style.css",
        "/health",
    ] {
        assert_eq!(person.get(path).await.header("referrer-policy"), "no-referrer", "{path}");
    }
    // With "no-referrer" browsers would send the service's own forms without their origin.
    for path in ["/", "/login", "/settings", "/api/docs", &format!("/files/{html}")] {
        assert_eq!(person.get(path).await.header("referrer-policy"), "same-origin", "{path}");
    }
}
