//! Plugins that may send requests to other hosts, and a host that receives them.

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, get};
use plugins::Plugins;
use reqwest::Method;
use serde_json::{Value, json};
use shared::http::App;
use shared::limits::Limits;
use shared::outbound::Outbound;
use test_support::{Person, Reply, World};

const PAGE: &str = "<html><head></head><body><script>draw(Placet.data)</script></body></html>";

/// Plugins whose manifests allow requests to this machine, to one of its ports, to any host, and to no
/// host.
fn calling_plugins() -> Plugins {
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
        plugin("caller", true, json!(["127.0.0.1", "localhost", "192.0.2.1"])),
        plugin("one-port", true, json!(["localhost:8443", "[::1]:8443"])),
        plugin("any-host", true, json!(["*"])),
        plugin("no-host", false, json!(["*"])),
    ];
    Plugins::of(&manifests.each_ref().map(|manifest| (manifest.as_str(), PAGE))).expect("the manifests are valid")
}

/// The person at a service with these plugins. `loopback` says whether they may call this machine.
pub async fn with_calling_plugins(world: &World, person: &Person, loopback: bool) -> Person {
    let app = App { outbound: Outbound::new(loopback), ..world.app.clone() }.limited(Limits::default());
    person.at(&world.serve_also(plugins::router_of(calling_plugins()), app).await)
}

pub async fn update_settings(person: &Person, plugin: &str, env: Value) -> Reply {
    let path = format!("/api/plugins/{plugin}");
    Reply::fetch(person.request(Method::PATCH, &path).json(&json!({ "env": env }))).await
}

pub async fn change_config(person: &Person, plugin: &str, change: Value) -> Reply {
    Reply::fetch(person.request(Method::PUT, &format!("/api/plugins/{plugin}/config")).json(&change)).await
}

pub async fn fetch(person: &Person, plugin: &str, request: Value) -> Reply {
    person.post(&format!("/api/plugins/{plugin}/fetch"), request).await
}

/// Starts a host on this machine that returns the requests it gets; returns its URL.
pub async fn start_echo_host() -> String {
    async fn echo(request: Request) -> impl IntoResponse {
        let (parts, body) = request.into_parts();
        let headers: Vec<_> =
            parts.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let echoed = json!({ "method": parts.method.as_str(), "uri": parts.uri.to_string(), "headers": headers,
            "body": String::from_utf8_lossy(&body) });
        ([("x-one", "1"), ("set-cookie", "a=b")], axum::Json(echoed))
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
