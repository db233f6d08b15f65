//! The list of plugins, their frame, and the data that a page gives them

use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Cost, Person, Reply, World};

use crate::plugins::callers::{change_config, fetch, start_echo_host, update_settings, with_calling_plugins};

#[tokio::test]
async fn agents_see_which_plugins_there_are() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    let all = agent.get("/api/v1/plugins").await.expect(200);
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["form-answer", "form-submit", "http-check", "kroki-diagram", "status-card"]);
    let card = agent.get("/api/v1/plugins/status-card").await.expect(200);
    assert_eq!(card, all[4]);
    assert_eq!((&card["displayName"], &card["version"]), (&json!("Status card"), &json!("1.0.0")));
    assert_eq!(card["inputSchema"]["required"], json!(["title"]));
    for absent in ["permissions", "env"] {
        assert_eq!(card.get(absent), Some(&Value::Null), "{absent} is null, not missing");
    }
    for name in ["other", "Status-Card", "..%2fstatus-card", "%00", "%ff", "a%F0%9F%92%A9"] {
        agent.get(&format!("/api/v1/plugins/{name}")).await.expect_error(404, "not_found");
    }
}

#[tokio::test]
async fn unauthenticated_callers_get_401() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let visitor = Person::signed_out(&world.url, "", "");
    let nonsense = json!({ "env": 1, "url": 1 });
    for name in ["status-card", "other", "%ff"] {
        for (method, path) in [
            (Method::GET, "/api/plugins".to_owned()),
            (Method::GET, "/api/v1/plugins".to_owned()),
            (Method::GET, format!("/api/v1/plugins/{name}")),
            (Method::PATCH, format!("/api/plugins/{name}")),
            (Method::GET, format!("/api/plugins/{name}/render")),
            (Method::GET, format!("/api/plugins/{name}")),
            (Method::GET, format!("/api/plugins/{name}/config")),
            (Method::PUT, format!("/api/plugins/{name}/config")),
            (Method::POST, format!("/api/plugins/{name}/fetch")),
        ] {
            let requests = [
                visitor.request(method.clone(), &path),
                visitor.request(method.clone(), &path).bearer_auth(format!(
                    "hp_{}{}",
                    "x".repeat(43),
                    &agent.key[46..]
                )),
                visitor.request(method.clone(), &path).bearer_auth(format!(
                    "hs_{}{}",
                    "x".repeat(43),
                    &agent.key[46..]
                )),
                if path.contains("v1") { person.request(method, &path) } else { agent.request(method, &path) },
            ];
            for request in requests {
                Reply::fetch(request.json(&nonsense)).await.expect_error(401, "unauthorized");
            }
        }
    }
}

#[tokio::test]
async fn the_plugin_frame_is_sandboxed() {
    let world = World::isolated().await;
    let person = world.member().await;
    for name in ["form-answer", "form-submit", "http-check", "kroki-diagram", "status-card"] {
        let frame = person.get(&format!("/api/plugins/{name}/render")).await;
        assert_eq!((frame.status, frame.header("content-type")), (200, "text/html; charset=utf-8"));
        assert_eq!(frame.header("cache-control"), "no-store");
        let policy: Vec<&str> = frame.header("content-security-policy").split("; ").collect();
        for part in [
            "sandbox allow-scripts",
            "default-src 'none'",
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            "font-src data:",
            "connect-src 'none'",
            "frame-ancestors 'self'",
            "base-uri 'none'",
            "form-action 'none'",
        ] {
            assert!(policy.contains(&part), "{part}: {policy:?}");
        }
        let scripts = policy.iter().find_map(|part| part.strip_prefix("script-src ")).unwrap();
        assert!(scripts.split(' ').all(|it| it.starts_with("'sha256-")), "{scripts}");
        assert_eq!(scripts.split(' ').count(), frame.text().matches("<script").count());
        assert!(
            frame.text().contains("Placet") && !frame.text().contains("://"),
            "the frame loads nothing from another host"
        );
    }
    for name in ["other", "status-card%00", "%ff"] {
        person.get(&format!("/api/plugins/{name}/render")).await.expect_error(404, "not_found");
    }
    let host = person.get("/assets/app.js").await;
    assert_eq!((host.status, host.header("content-type")), (200, "text/javascript; charset=utf-8"));
    assert!(host.text().contains("data-placet-plugin"), "the pages' script loads the frames");
}

#[tokio::test]
async fn each_plugin_route_costs_what_it_should() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let owner = with_calling_plugins(&world, &person, true).await;
    let host = start_echo_host().await;
    for (reply, calls) in [
        (agent.get("/api/v1/plugins").await, 1),
        (agent.get("/api/v1/plugins/status-card").await, 1),
        (owner.get("/api/plugins").await, 1),
        (owner.get("/api/plugins/caller/render").await, 1),
        (owner.get("/api/plugins/caller").await, 1),
        (owner.get("/api/plugins/caller/config").await, 1),
        (change_config(&owner, "caller", json!({})).await, 2),
        (update_settings(&owner, "caller", json!({ "GREETING": "x" })).await, 2),
        (fetch(&owner, "caller", json!({ "url": format!("{host}/echo") })).await, 1),
    ] {
        let Cost { calls: created, round_trips, .. } = reply.cost();
        assert_eq!((reply.status, created, round_trips), (200, calls, calls), "{}", reply.text());
    }
}

#[tokio::test]
async fn a_review_type_may_name_a_plugin() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let send_review = async |kind: &str, metadata: Value| {
        let review = json!({ "type": kind, "payload": { "title": "T", "a": [1] } });
        agent.send(json!({ "text": "t", "metadata": metadata, "review": review })).await.expect(201)
    };
    for name in ["status-card", "form-answer", "http-check"] {
        let created = send_review(name, json!(null)).await;
        assert_eq!((&created["metadata"], &created["review"]["type"]), (&json!({ "plugin": name }), &json!(name)));
    }
    assert_eq!(
        send_review("status-card", json!({ "x": 1 })).await["metadata"],
        json!({ "plugin": "status-card", "x": 1 })
    );
    let other = send_review("status-card", json!({ "plugin": "form-answer" })).await;
    assert_eq!(other["metadata"], json!({ "plugin": "form-answer" }), "an explicit plugin takes precedence");
    for kind in ["not-installed", "Status-Card", "approval"] {
        assert_eq!(send_review(kind, json!(null)).await["metadata"], json!(null), "{kind}");
    }
    let created = send_review("status-card", json!({ "title": "wins" })).await;
    let page = person.get(&format!("/reviews/{}", created["id"].as_str().unwrap())).await.text();
    assert!(page.contains("data-placet-plugin=\"status-card\""), "{page}");
    assert_eq!(frame_data(&page)["data"], json!({ "plugin": "status-card", "title": "wins", "a": [1] }));
    let answer = person.answer(created["id"].as_str().unwrap(), json!({ "any": "object" })).await;
    assert_eq!(answer.expect(201)["review"]["response"], json!({ "any": "object" }));
}

/// The data that a page passes to its plugin frame.
fn frame_data(page: &str) -> Value {
    let init = page.split("data-placet-init=\"").nth(1).unwrap().split('"').next().unwrap();
    let plain = init.replace("&#34;", "\"").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
    serde_json::from_str(&plain).unwrap()
}

#[tokio::test]
async fn plugin_data_come_from_the_payload_then_the_metadata() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for (metadata, review, expected) in [
        (
            json!(null),
            json!({ "type": "freeform", "payload": { "plugin": "status-card", "title": "T", "headline": "H" } }),
            json!({ "plugin": "status-card", "title": "T", "headline": "H" }),
        ),
        (
            json!({ "plugin": "form-answer", "title": "mine" }),
            json!({ "type": "text-input", "payload": { "placeholder": "p", "prefill": "x" } }),
            json!({ "plugin": "form-answer", "title": "mine", "placeholder": "p", "prefill": "x" }),
        ),
        (json!({ "plugin": "status-card" }), json!({ "type": "approval" }), json!({ "plugin": "status-card" })),
    ] {
        let sent = agent.create_message(json!({ "text": "t", "metadata": metadata, "review": review })).await;
        let page = person.get(&format!("/reviews/{sent}")).await.text();
        assert_eq!(frame_data(&page)["data"], expected);
    }
}
