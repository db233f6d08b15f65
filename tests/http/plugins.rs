//! `/api/v1/plugins` and `/api/plugins`

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, get};
use futures_util::future::join_all;
use http::header::AUTHORIZATION;
use placet_tests::{Cost, Person, Reply, Runner, World};
use plugins::Plugins;
use reqwest::Method;
use serde_json::{Value, json};
use shared::app::App;
use shared::auth::HumanCaller;
use shared::models::Role;
use shared::models::account::Email;
use shared::outbound::Outbound;
use shared::secrets::{Password, hex, random};

const PAGE: &str = "<html><head></head><body><script>draw(Placet.data)</script></body></html>";

/// Plugins that may call out: one to this machine, one to anybody, one to nobody.
fn callers() -> Plugins {
    let env = json!([
        { "key": "TOKEN", "label": "Token", "secret": true, "required": true },
        { "key": "GREETING", "label": "Greeting", "default": "hello", "description": "What it says" },
    ]);
    let plugin = |name: &str, requests: bool, hosts: Value| {
        json!({ "name": name, "displayName": name, "version": "1.0.0", "env": env,
            "permissions": { "httpRequests": requests, "maxHttpDomains": hosts } })
        .to_string()
    };
    let manifests = [
        plugin("caller", true, json!(["127.0.0.1", "localhost"])),
        plugin("anyone", true, json!(["*"])),
        plugin("nobody", false, json!(["*"])),
    ];
    Plugins::of(&manifests.each_ref().map(|manifest| (manifest.as_str(), PAGE))).expect("they are plugins")
}

/// A person at a service with those plugins; `loopback`: whether it lets them call this machine.
async fn at_callers(world: &World, person: &Person, loopback: bool) -> Person {
    let app = App { outbound: Outbound::new(loopback), ..world.app.clone() };
    person.at(&world.beside(plugins::router_of(callers()), app).await)
}

/// Somebody who is no owner.
async fn member(world: &World) -> Person {
    let (email, password) = (format!("{}@people.example", hex(&random::<8>())), hex(&random::<8>()));
    let address = Email::checked(&email).unwrap();
    let made = world.app.store.create_user(&address, Password::new(password.clone()), "A member", Role::Member).await;
    made.unwrap().unwrap();
    let member = Person::nobody(&world.url, &email, &password);
    member.sign_in().await.expect(200);
    member
}

async fn set(person: &Person, plugin: &str, env: Value) -> Reply {
    let path = format!("/api/plugins/{plugin}");
    Reply::of(person.request(Method::PATCH, &path).json(&json!({ "env": env }))).await
}

async fn fetch(person: &Person, plugin: &str, request: Value) -> Reply {
    person.post(&format!("/api/plugins/{plugin}/fetch"), request).await
}

/// A host on this machine that tells what it was sent.
async fn receiver() -> String {
    async fn echo(request: Request) -> impl IntoResponse {
        let (parts, body) = request.into_parts();
        let headers: Vec<_> =
            parts.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let said = json!({ "method": parts.method.as_str(), "uri": parts.uri.to_string(), "headers": headers,
            "body": String::from_utf8_lossy(&body) });
        ([("x-one", "1"), ("set-cookie", "a=b")], axum::Json(said))
    }
    let routes = Router::new()
        .route("/echo", any(echo))
        .route("/redirect", get(async || Redirect::to("/echo")))
        .route("/missing", get(async || (http::StatusCode::NOT_FOUND, "no such thing")))
        .route("/fits", get(async || "x".repeat(1 << 20)))
        .route("/big", get(async || "x".repeat((1 << 20) + 1)))
        .route("/control", get(async || "\u{1}".repeat(1 << 20)))
        .route("/bytes", get(async || vec![b'a', 0xff, b'b']));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

#[tokio::test]
async fn agents_see_which_plugins_there_are() {
    let world = World::alone().await;
    let agent = world.person().await.agent().await;
    let all = agent.get("/api/v1/plugins").await.expect(200);
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["form-answer", "http-check", "status-card"]);
    let card = agent.get("/api/v1/plugins/status-card").await.expect(200);
    assert_eq!(card, all[2]);
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
async fn who_is_not_known_learns_nothing() {
    let world = World::alone().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let nobody = Person::nobody(&world.url, "", "");
    let nonsense = json!({ "env": 1, "url": 1 });
    for name in ["status-card", "other", "%ff"] {
        for (method, path) in [
            (Method::GET, "/api/plugins".to_owned()),
            (Method::GET, "/api/v1/plugins".to_owned()),
            (Method::GET, format!("/api/v1/plugins/{name}")),
            (Method::PATCH, format!("/api/plugins/{name}")),
            (Method::GET, format!("/api/plugins/{name}/render")),
            (Method::POST, format!("/api/plugins/{name}/fetch")),
        ] {
            let tries = [
                nobody.request(method.clone(), &path),
                nobody.request(method.clone(), &path).bearer_auth(format!("hp_{}{}", "x".repeat(43), &agent.key[46..])),
                nobody.request(method.clone(), &path).bearer_auth(format!("hs_{}{}", "x".repeat(43), &agent.key[46..])),
                if path.contains("v1") { person.request(method, &path) } else { agent.request(method, &path) },
            ];
            for request in tries {
                Reply::of(request.json(&nonsense)).await.expect_error(401, "unauthorized");
            }
        }
    }
}

#[tokio::test]
async fn the_frame_is_shut_in() {
    let world = World::alone().await;
    let person = member(&world).await;
    for name in ["form-answer", "http-check", "status-card"] {
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
        assert!(frame.text().contains("Placet") && !frame.text().contains("://"), "nothing of another host");
    }
    for name in ["other", "status-card%00", "%ff"] {
        person.get(&format!("/api/plugins/{name}/render")).await.expect_error(404, "not_found");
    }
    let host = person.get("/assets/plugin-host.js").await;
    assert_eq!((host.status, host.header("content-type")), (200, "text/javascript; charset=utf-8"));
}

#[tokio::test]
async fn owners_set_what_a_plugin_needs_and_secrets_are_never_shown() {
    let world = World::alone().await;
    let owner = at_callers(&world, &world.person().await, false).await;
    let secret = "s3cret ü \u{0}";
    let changed = set(&owner, "caller", json!({ "TOKEN": secret, "GREETING": "hi" })).await;
    assert!(!changed.text().contains("s3cret"));
    insta::assert_json_snapshot!(changed.expect(200), @r#"
    {
      "author": null,
      "description": null,
      "displayName": "caller",
      "env": [
        {
          "default": null,
          "description": null,
          "isSet": true,
          "key": "TOKEN",
          "label": "Token",
          "required": true,
          "secret": true,
          "value": null
        },
        {
          "default": "hello",
          "description": "What it says",
          "isSet": true,
          "key": "GREETING",
          "label": "Greeting",
          "required": false,
          "secret": false,
          "value": "hi"
        }
      ],
      "icon": null,
      "inputSchema": null,
      "name": "caller",
      "permissions": {
        "httpRequests": true,
        "maxHttpDomains": [
          "127.0.0.1",
          "localhost"
        ]
      },
      "version": "1.0.0"
    }
    "#);
    let listed = owner.get("/api/plugins").await.expect(200);
    assert_eq!(listed[1], changed.json(), "members and owners see the same list, by name");
    assert_eq!((&listed[0]["env"][0]["isSet"], &listed[0]["env"][1]["value"]), (&json!(false), &Value::Null));

    // null unsets one and leaves the other.
    let env = set(&owner, "caller", json!({ "GREETING": null })).await.expect(200)["env"].clone();
    assert_eq!((&env[0]["isSet"], &env[1]["isSet"], &env[1]["value"]), (&json!(true), &json!(false), &Value::Null));
    assert_eq!(set(&owner, "caller", json!({})).await.expect(200)["env"], env);
}

#[tokio::test]
async fn settings_are_encrypted_at_rest() {
    let world = World::alone().await;
    let person = world.person().await;
    let owner = at_callers(&world, &person, false).await;
    set(&owner, "caller", json!({ "TOKEN": "same", "GREETING": "same" })).await.expect(200);
    let cookie = person.sign_in().await.header("set-cookie").to_owned();
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    let headers = http::HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())]);
    let stored = world.app.store.plugin_envs(&HumanCaller::of(&headers).unwrap(), &["caller"]).await.unwrap();
    let [secret, plain] = ["TOKEN", "GREETING"].map(|key| stored[0].get(key).unwrap().as_str().to_owned());
    assert!(!secret.contains("same") && !plain.contains("same"));
    assert_ne!(secret, plain, "each has a nonce of its own");
}

#[tokio::test]
async fn only_owners_set_anything() {
    let world = World::alone().await;
    let member = at_callers(&world, &member(&world).await, false).await;
    for (plugin, env) in [("caller", json!({ "TOKEN": "x" })), ("caller", json!({ "NO": "x" })), ("other", json!({}))] {
        set(&member, plugin, env).await.expect_error(403, "owner_only");
    }
    assert_eq!(member.get("/api/plugins").await.expect(200)[1]["env"][0]["isSet"], false);
}

#[tokio::test]
async fn what_cannot_be_set_is_named() {
    let world = World::alone().await;
    let owner = at_callers(&world, &world.person().await, false).await;
    set(&owner, "other", json!({})).await.expect_error(404, "not_found");
    let refused = set(&owner, "caller", json!({ "A": "x", "TOKEN": "x", "b\u{0}": null })).await;
    assert_eq!(refused.expect_invalid(), ["env.A", "env.b\u{0}"]);
    let refused = set(&owner, "caller", json!({ "TOKEN": 1, "GREETING": "x".repeat(4097) })).await;
    assert_eq!(refused.expect_invalid(), ["env.GREETING", "env.TOKEN"]);
    for env in [json!(null), json!([]), json!("TOKEN")] {
        assert_eq!(set(&owner, "caller", env).await.expect_invalid(), ["env"]);
    }
    assert_eq!(owner.get("/api/plugins").await.expect(200)[1]["env"][0]["isSet"], false);
}

#[tokio::test]
async fn concurrent_changes_of_different_settings_both_stay() {
    let world = World::alone().await;
    let owner = at_callers(&world, &world.person().await, false).await;
    let changes = (0..8).map(|n| {
        let env = if n % 2 == 0 { json!({ "TOKEN": n.to_string() }) } else { json!({ "GREETING": n.to_string() }) };
        let owner = owner.clone();
        async move { set(&owner, "caller", env).await.expect(200) }
    });
    join_all(changes).await;
    let env = owner.get("/api/plugins").await.expect(200)[1]["env"].clone();
    assert_eq!((&env[0]["isSet"], &env[1]["isSet"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn a_request_goes_out_as_the_plugin_wrote_it() {
    let world = World::alone().await;
    let owner = at_callers(&world, &world.person().await, true).await;
    let host = receiver().await;
    set(&owner, "caller", json!({ "TOKEN": "s3cret {{GREETING}}" })).await.expect(200);
    let headers = json!({ "Authorization": "Bearer {{TOKEN}}", "X-Say": "{{GREETING}}, {{you}} {{", "content-type": "text/plain" });
    let request =
        json!({ "url": format!("{host}/echo?q=%20#part"), "method": "POST", "headers": headers, "body": "a\u{0}ü" });
    let answer = fetch(&owner, "caller", request).await.expect(200);
    let echoed: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&echoed["method"], &echoed["uri"], &echoed["body"]),
        (&json!("POST"), &json!("/echo?q=%20"), &json!("a\u{0}ü"))
    );
    let sent: Vec<&str> = echoed["headers"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    let host_header = format!("host: {}", host.strip_prefix("http://").unwrap());
    for header in [
        "authorization: Bearer s3cret {{GREETING}}",
        "x-say: hello, {{you}} {{",
        "content-type: text/plain",
        &host_header,
    ] {
        assert!(sent.contains(&header), "{header}: {sent:?}");
    }
    assert!(sent.iter().any(|it| it.starts_with("user-agent: placet-serverless/")), "{sent:?}");
    assert!(!sent.iter().any(|it| it.starts_with("cookie") || it.starts_with("x-api-key")), "{sent:?}");
    assert_eq!((&answer["status"], &answer["headers"]["x-one"]), (&json!(200), &json!("1")));
    assert_eq!(answer["headers"].get("set-cookie"), None);

    for method in ["GET", "PUT", "PATCH", "DELETE", "HEAD"] {
        let answer =
            fetch(&owner, "caller", json!({ "url": format!("{host}/echo"), "method": method })).await.expect(200);
        let body = answer["body"].as_str().unwrap();
        assert!(
            if method == "HEAD" { body.is_empty() } else { body.contains(&format!("\"method\":\"{method}\"")) },
            "{body}"
        );
    }
    let answer = fetch(&owner, "caller", json!({ "url": format!("{host}/missing") })).await.expect(200);
    assert_eq!((&answer["status"], &answer["body"]), (&json!(404), &json!("no such thing")));
    let answer = fetch(&owner, "caller", json!({ "url": format!("{host}/bytes") })).await.expect(200);
    assert_eq!(answer["body"], "a\u{fffd}b");
}

#[tokio::test]
async fn redirects_come_back_and_large_answers_do_not() {
    let world = World::alone().await;
    let person = at_callers(&world, &member(&world).await, true).await;
    let host = receiver().await;
    let get = async |path: &str| fetch(&person, "caller", json!({ "url": format!("{host}{path}") })).await;
    let redirect = get("/redirect").await.expect(200);
    assert_eq!((&redirect["status"], &redirect["headers"]["location"]), (&json!(303), &json!("/echo")));
    assert_eq!(get("/fits").await.expect(200)["body"].as_str().unwrap().len(), 1 << 20);
    for path in ["/big", "/control"] {
        let refused = get(path).await.expect_error(502, "upstream_failed");
        assert_eq!(refused["message"], "The host that was called answered more than may be read.");
    }
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    fetch(&person, "caller", json!({ "url": format!("http://{gone}/") })).await.expect_error(502, "upstream_failed");
    fetch(&person, "anyone", json!({ "url": "http://nowhere.invalid/" })).await.expect_error(502, "upstream_failed");
}

#[tokio::test]
async fn only_hosts_that_the_manifest_names_are_called() {
    let world = World::alone().await;
    let person = at_callers(&world, &world.person().await, true).await;
    let refused = async |plugin: &str, url: &str| {
        let body = fetch(&person, plugin, json!({ "url": url })).await.expect_error(400, "validation_failed");
        assert_eq!(
            (&body["errors"][0]["path"], &body["errors"][0]["code"]),
            (&json!(["url"]), &json!("host_not_allowed")),
            "{url}"
        );
    };
    for url in ["https://example.com/", "http://127.0.0.2/", "http://a.localhost/", "http://localhost.example.com/"] {
        refused("caller", url).await;
    }
    refused("nobody", "https://example.com/").await;
    fetch(&person, "other", json!({ "url": "https://example.com/" })).await.expect_error(404, "not_found");
    let bundled = person.at(&world.url);
    fetch(&bundled, "status-card", json!({ "url": "https://example.com/" }))
        .await
        .expect_error(400, "validation_failed");
}

#[tokio::test]
async fn private_addresses_are_refused_in_every_notation() {
    let world = World::alone().await;
    let person = world.person().await;
    let host = receiver().await;
    let port = host.rsplit(':').next().unwrap();
    let refused = async |person: &Person, url: &str| {
        let body = fetch(person, "anyone", json!({ "url": url })).await.expect_error(400, "validation_failed");
        assert_eq!(body["errors"][0]["code"], "private_address", "{url}: {body}");
    };
    let wary = at_callers(&world, &person, false).await;
    for loopback in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "localhost",
        "LOCALHOST",
        "１２７.0.0.1",
    ] {
        refused(&wary, &format!("http://{loopback}:{port}/echo")).await;
    }
    // Whether this name is known depends on the machine; called it is on none.
    let odd = fetch(&wary, "anyone", json!({ "url": format!("http://localhost.:{port}/echo") })).await;
    assert!(matches!(odd.status, 400 | 502), "{}", odd.text());
    // Letting loopback through lets nothing else through.
    let own = at_callers(&world, &person, true).await;
    fetch(&own, "anyone", json!({ "url": format!("http://localhost:{port}/echo") })).await.expect(200);
    for person in [&wary, &own] {
        for private in [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "100.64.0.1",
            "0.0.0.0",
            "0",
            "224.0.0.1",
            "255.255.255.255",
            "[::]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[ff02::1]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:7f00:1::]",
        ] {
            refused(person, &format!("http://{private}:{port}/")).await;
            refused(person, &format!("https://{private}/")).await;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_named() {
    let world = World::alone().await;
    let person = at_callers(&world, &world.person().await, true).await;
    let refused = async |request: Value| fetch(&person, "caller", request).await.expect_invalid();
    assert_eq!(refused(json!({})).await, ["url"]);
    assert_eq!(
        refused(json!({ "url": "nope", "method": "TRACE", "headers": [], "body": 1 })).await,
        ["url", "method", "headers", "body"]
    );
    for url in [
        "ftp://localhost/",
        "/echo",
        "http://",
        "http://a:b@localhost/",
        "http://a@localhost/",
        "data:,x",
        "http://local\u{0}host/",
    ] {
        assert_eq!(refused(json!({ "url": url })).await, ["url"], "{url}");
    }
    let url = "http://localhost/";
    assert_eq!(refused(json!({ "url": url, "body": "x" })).await, ["body"]);
    for (name, value) in [
        ("Host", "x"),
        ("connection", "close"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "1"),
        ("Proxy-Authorization", "x"),
        ("a b", "x"),
        ("", "x"),
        ("x\u{0}", "x"),
        ("X-Split", "a\r\nHost: b"),
        ("X-Nul", "\u{0}"),
        ("X-Token", "{{TOKEN}}"), // not set
        ("X-Long", &"{{GREETING}}".repeat(1_700)),
    ] {
        assert_eq!(refused(json!({ "url": url, "headers": { name: value } })).await, [format!("headers.{name}")]);
    }
}

#[tokio::test]
async fn a_plugin_that_may_call_anybody_is_trusted_with_no_secret() {
    let world = World::alone().await;
    let owner = at_callers(&world, &world.person().await, true).await;
    let host = receiver().await;
    set(&owner, "anyone", json!({ "TOKEN": "s3cret" })).await.expect(200);
    let request = |value: &str| json!({ "url": format!("{host}/echo"), "headers": { "X-Say": value } });
    let refused = fetch(&owner, "anyone", request("{{TOKEN}}")).await;
    assert_eq!(refused.expect_invalid(), ["headers.X-Say"]);
    assert!(!refused.text().contains("s3cret"));
    let answer = fetch(&owner, "anyone", request("{{GREETING}}")).await.expect(200);
    assert!(answer["body"].as_str().unwrap().contains("x-say: hello"));
}

#[tokio::test]
async fn a_secret_goes_over_https_to_the_hosts_own_service_only() {
    let world = World::alone().await;
    let owner = at_callers(&world, &world.person().await, false).await;
    set(&owner, "caller", json!({ "TOKEN": "s3cret" })).await.expect(200);
    for url in ["http://localhost/", "https://localhost:8443/"] {
        let request = |value: &str| json!({ "url": url, "headers": { "X-Say": value } });
        let refused = fetch(&owner, "caller", request("{{TOKEN}}")).await;
        assert_eq!(refused.expect_invalid(), ["headers.X-Say"]);
        assert_eq!(refused.json()["errors"][0]["code"], "secret_in_the_open");
        assert!(!refused.text().contains("s3cret"));
        // What is not secret goes as far as the address, which is private.
        assert_eq!(fetch(&owner, "caller", request("{{GREETING}}")).await.expect_invalid(), ["url"]);
    }
    let safe = json!({ "url": "https://localhost/", "headers": { "X-Say": "{{TOKEN}}" } });
    assert_eq!(fetch(&owner, "caller", safe).await.expect_invalid(), ["url"]);
}

#[tokio::test]
async fn the_runner_lets_loopback_be_called_only_when_it_is_told_to() {
    let host = receiver().await;
    for (arguments, status) in [(&[][..], 400), (&["--allow-loopback-webhooks"][..], 200)] {
        let mut command = Runner::command();
        command.args(["--ephemeral", "--json", "--port", "0"]).args(arguments);
        let runner = Runner::from(command).await;
        let request = json!({ "url": format!("{host}/echo"), "headers": { "User-Agent": "{{USER_AGENT}}" } });
        let answer = fetch(&runner.person().await, "http-check", request).await.expect(status);
        let echoed = answer["body"].as_str().unwrap_or_default();
        assert_eq!(echoed.contains("user-agent: placet-http-check/1.0"), status == 200, "{answer}");
    }
}

#[tokio::test]
async fn each_route_costs_what_it_must() {
    let world = World::alone().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let owner = at_callers(&world, &person, true).await;
    let host = receiver().await;
    for (reply, calls) in [
        (agent.get("/api/v1/plugins").await, 1),
        (agent.get("/api/v1/plugins/status-card").await, 1),
        (owner.get("/api/plugins").await, 1),
        (owner.get("/api/plugins/caller/render").await, 1),
        (set(&owner, "caller", json!({ "GREETING": "x" })).await, 2),
        (fetch(&owner, "caller", json!({ "url": format!("{host}/echo") })).await, 1),
    ] {
        let Cost { calls: made, round_trips, .. } = reply.cost();
        assert_eq!((reply.status, made, round_trips), (200, calls, calls), "{}", reply.text());
    }
}
