//! The host names that `placet-local` answers to: the agents' address, and the inbox's own name.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::json;
use tempfile::TempDir;
use test_support::{Person, Reply, Runner, raw_http};
use tokio::net::TcpListener;
use url::Url;

const PAGES: [&str; 10] = [
    "/",
    "/login",
    "/login?next=%2Ffiles",
    "/password",
    "/reviews/msg_1?tab=completed",
    "/channels",
    "/files/fil_1/frame",
    "/status",
    "/logs?cursor=x",
    "/settings/keys",
];

async fn start_ephemeral(options: &[&str]) -> Runner {
    let mut command = Runner::command();
    command.args(["--ephemeral", "--json", "--port", "0"]).args(options);
    Runner::from(command).await
}

fn url_of(runner: &Runner, name: &str) -> Url {
    Url::parse(runner.text(name)).unwrap()
}

/// A request to the agents' address with any `Host` header.
fn request_to_host(runner: &Runner, host: &str, method: Method, path: &str) -> RequestBuilder {
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    client.request(method, format!("{}{path}", runner.text("url"))).header("Host", host)
}

#[tokio::test]
async fn the_inbox_has_a_stable_random_host_name() {
    let dir = TempDir::new().unwrap();
    let mut first = Runner::start(dir.path()).await;
    let (url, inbox) = (url_of(&first, "url"), url_of(&first, "inboxUrl"));
    assert_eq!((url.host_str(), url.port()), (Some("127.0.0.1"), inbox.port()));
    let random = inbox.host_str().unwrap().strip_prefix("placet-").unwrap().strip_suffix(".localhost").unwrap();
    assert!(random.len() >= 16 && random.bytes().all(|b| b.is_ascii_hexdigit()), "{inbox}");
    assert_eq!(fs::metadata(dir.path().join("inbox-host")).unwrap().permissions().mode() & 0o777, 0o600);
    first.terminate().await;
    let second = Runner::start(dir.path()).await;
    assert_eq!(url_of(&second, "inboxUrl").host_str(), inbox.host_str());
    let other = start_ephemeral(&[]).await;
    assert_ne!(url_of(&other, "inboxUrl").host_str(), inbox.host_str());
}

#[tokio::test]
async fn pages_are_served_only_at_the_inbox_host() {
    let runner = start_ephemeral(&[]).await;
    let (agents, inbox) = (Person::signed_out(runner.text("url"), "", ""), runner.text("inboxUrl").to_owned());
    for path in PAGES {
        for method in [Method::GET, Method::HEAD] {
            let reply = Reply::fetch(agents.request(method, path)).await;
            assert_eq!((reply.status, reply.header("location")), (307, format!("{inbox}{path}").as_str()), "{path}");
            assert_eq!(reply.header("cache-control"), "no-store");
        }
        let localhost = Reply::fetch(request_to_host(&runner, "localhost:1", Method::GET, path)).await;
        assert_eq!(localhost.header("location"), format!("{inbox}{path}"));
    }
    // Forms are refused, whatever their `Origin`.
    let form = [("email", runner.text("email")), ("password", runner.text("password"))];
    for path in ["/login", "/logout", "/password", "/reviews/msg_1", "/preview"] {
        let reply = agents.submit_form(path, &form).await;
        assert_eq!((reply.status, reply.header("set-cookie"), reply.header("location")), (421, "", ""), "{path}");
        assert!(!reply.text().contains(".localhost"), "{}", reply.text());
    }
    // Everything that is not a page is served at both.
    let browser = runner.browser().await;
    for path in ["/health", "/api/openapi.json", "/api/docs", "/assets/style.css", "/assets/app.webmanifest"] {
        assert_eq!((agents.get(path).await.status, browser.get(path).await.status), (200, 200), "{path}");
    }
    assert!(browser.get("/").await.text().contains("Nothing is waiting for you"));
    browser.get("/api/auth/me").await.expect(200);
    runner.person().await.get("/api/auth/me").await.expect(200);
    agents.get("/nothing").await.expect_error(404, "not_found");
}

#[tokio::test]
async fn sign_in_leads_back_to_the_requested_page() {
    let runner = start_ephemeral(&[]).await;
    let agent = runner.agent();
    let path = format!("/reviews/{}", agent.request_approval().await);
    let browser = Person::signed_out(runner.text("inboxUrl"), runner.text("email"), runner.text("password"));
    let redirected = browser.get(&path).await;
    let sign_in = format!("/login?next={}", path.replace('/', "%2F").replace('_', "%5F"));
    assert_eq!((redirected.status, redirected.header("location")), (303, sign_in.as_str()));
    let form = [("email", &*browser.email), ("password", &*browser.password), ("next", &*path)];
    let returned = browser.submit_form("/login", &form).await;
    assert_eq!((returned.status, returned.header("location")), (303, path.as_str()));
    assert_eq!(browser.submit_form(&path, &[("option", "approve")]).await.status, 303);
}

#[tokio::test]
async fn an_earlier_versions_cookie_is_cleared_at_the_shared_host() {
    let runner = start_ephemeral(&[]).await;
    let reply =
        Reply::fetch(request_to_host(&runner, "127.0.0.1", Method::GET, "/").header("Cookie", "access_token=hs_x"))
            .await;
    assert_eq!(reply.header("set-cookie"), "access_token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
}

#[tokio::test]
async fn another_host_name_is_refused() {
    let runner = start_ephemeral(&[]).await;
    let (agent, inbox) = (runner.agent(), url_of(&runner, "inboxUrl"));
    let evil = format!("x{}", inbox.host_str().unwrap());
    let below = format!("a.{}", inbox.host_str().unwrap());
    for host in
        ["evil.example", "evil.localhost", "127.0.0.1.evil.example", "192.168.1.5", "0.0.0.0", "127.1", &evil, &below]
    {
        for path in ["/", "/health", "/api/v1/agents", "/api/auth/me", "/assets/style.css", "/nothing"] {
            let reply = Reply::fetch(request_to_host(&runner, host, Method::GET, path).bearer_auth(&agent.key)).await;
            reply.expect_error(421, "unknown_host");
            assert!(!reply.text().contains(inbox.host_str().unwrap()), "{}", reply.text());
        }
        let body = json!({ "email": runner.text("email"), "password": runner.text("password") });
        let reply = Reply::fetch(request_to_host(&runner, host, Method::POST, "/api/auth/login").json(&body)).await;
        reply.expect_error(421, "unknown_host");
    }
    for host in ["127.0.0.1", "localhost", "LOCALHOST.", "[::1]:1", "127.0.0.1:1", inbox.host_str().unwrap()] {
        assert_eq!(Reply::fetch(request_to_host(&runner, host, Method::GET, "/health")).await.status, 200, "{host}");
    }
    for request in ["GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", "GET /health HTTP/1.0\r\n\r\n"] {
        assert_eq!(raw_http::send(runner.text("url"), request.as_bytes()).await.unwrap().status, 421, "{request}");
    }
    let two = b"GET http://evil.example/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    assert_eq!(raw_http::send(runner.text("url"), two).await.unwrap().status, 421);
}

#[tokio::test]
async fn no_agent_facing_response_names_the_inbox_host() {
    let runner = start_ephemeral(&["--allow-loopback-webhooks"]).await;
    let (agent, browser, inbox) = (runner.agent(), runner.browser().await, url_of(&runner, "inboxUrl"));
    let host = inbox.host_str().unwrap();
    let file = agent.store_file().await;
    let shared = browser.get(&format!("/api/files/{file}/share")).await.expect(200)["url"].as_str().unwrap().to_owned();
    assert!(shared.starts_with(&format!("{}/api/share/", runner.text("url"))), "{shared}");
    assert_eq!(Reply::fetch(Client::new().get(&shared)).await.text(), "a note");
    // The empty inbox shows a command for agents, which names their address.
    let empty = browser.get("/").await.text();
    assert!(empty.contains(&format!("{}/api/v1/messages", runner.text("url"))) && !empty.contains(host), "{empty}");

    let webhook = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", webhook.local_addr().unwrap());
    agent.post("/api/v1/agents/setWebhook", json!({ "channelId": agent.channel, "url": url })).await.expect(200);
    let id = agent.request_approval().await;
    let path = format!("/reviews/{id}");
    let (delivered, answered) =
        tokio::join!(first_request(&webhook), browser.submit_form(&path, &[("option", "approve"), ("feedback", "ok")]));
    assert_eq!(answered.status, 303);
    assert!(delivered.contains(&id) && !delivered.contains(host), "{delivered}");
    for path in
        ["/api/v1/messages", "/api/v1/files", "/api/v1/agents", &format!("/api/v1/reviews/{id}"), "/api/v1/nothing"]
    {
        let reply = agent.get_in_channel(path).await;
        let text = format!("{:?}{}", reply.headers, reply.text());
        assert!(!text.contains(host), "{path}: {text}");
    }
}

/// Accepts one request, answers it with 200, and returns it.
async fn first_request(listener: &TcpListener) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains("responded_at") {
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
    text
}

/// Browsers resolve the inbox's name to both loopback addresses, IPv6 first.
#[tokio::test]
async fn the_runner_holds_every_address_of_the_inbox_host() {
    let runner = start_ephemeral(&[]).await;
    let port = url_of(&runner, "url").port().unwrap();
    for address in ["127.0.0.1", "[::1]"] {
        if TcpListener::bind(format!("{address}:0")).await.is_err() {
            continue; // this machine has no IPv6
        }
        assert!(TcpListener::bind(format!("{address}:{port}")).await.is_err(), "{address}");
        assert_eq!(Reply::fetch(Client::new().get(format!("http://{address}:{port}/health"))).await.status, 200);
    }
    // If either address is in use, the start fails.
    let Ok(taken) = TcpListener::bind("[::1]:0").await else { return };
    let port = taken.local_addr().unwrap().port().to_string();
    for host in ["127.0.0.1", "0.0.0.0"] {
        let mut command = Runner::command();
        command.args(["--ephemeral", "--host", host, "--port", &port]).stdout(Stdio::null());
        let output = command.output().await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(&format!("Port {port} on ::1 is in use")), "{stderr}");
    }
}

#[tokio::test]
async fn on_a_network_agents_connect_and_pages_stay_local() {
    let runner = start_ephemeral(&["--host", "0.0.0.0", "--allow-host", "Placet.lan"]).await;
    let (agent, inbox) = (runner.agent(), runner.text("inboxUrl").to_owned());
    assert!(url_of(&runner, "inboxUrl").host_str().unwrap().ends_with(".localhost"));
    for host in ["192.168.1.5:3001", "[fd00::2]", "placet.lan:3001", "PLACET.LAN", "127.0.0.1"] {
        let agents =
            Reply::fetch(request_to_host(&runner, host, Method::GET, "/api/v1/agents").bearer_auth(&agent.key)).await;
        assert_eq!(agents.status, 200, "{host}");
        let page = Reply::fetch(request_to_host(&runner, host, Method::GET, "/files")).await;
        assert_eq!(page.header("location"), format!("{inbox}/files"), "{host}");
    }
    for host in ["evil.example", "other.lan"] {
        Reply::fetch(request_to_host(&runner, host, Method::GET, "/health")).await.expect_error(421, "unknown_host");
    }
    runner.browser().await.get("/api/auth/me").await.expect(200);
}

#[tokio::test]
async fn behind_a_proxy_the_inbox_uses_the_public_origin() {
    let runner = start_ephemeral(&["--host", "0.0.0.0", "--inbox-url", "https://inbox.example.com"]).await;
    assert_eq!(runner.text("inboxUrl"), "https://inbox.example.com");
    let host = "inbox.example.com";
    let redirected = Reply::fetch(request_to_host(&runner, "10.0.0.5", Method::GET, "/files?q=a")).await;
    assert_eq!((redirected.status, redirected.header("location")), (307, "https://inbox.example.com/files?q=a"));
    assert_eq!(Reply::fetch(request_to_host(&runner, host, Method::GET, "/login")).await.status, 200);
    // The public origin is https, whatever the proxy's headers say.
    let form = [("email", runner.text("email")), ("password", runner.text("password"))];
    let sign_in =
        |origin: &str| request_to_host(&runner, host, Method::POST, "/login").header("Origin", origin).form(&form);
    let signed_in = Reply::fetch(sign_in("https://inbox.example.com")).await;
    assert_eq!(signed_in.status, 303);
    assert!(signed_in.header("set-cookie").starts_with("__Host-access_token=hs_"), "{:?}", signed_in.headers);
    for origin in ["http://inbox.example.com", "https://inbox.example.com:3001", "http://127.0.0.1:3001", "null"] {
        assert_eq!(Reply::fetch(sign_in(origin)).await.status, 403, "{origin}");
    }
    // The public host is no secret, so share links use it.
    let file = runner.agent().store_file().await;
    let token = signed_in.session_token();
    let shared = request_to_host(&runner, host, Method::GET, &format!("/api/files/{file}/share"));
    let shared = Reply::fetch(shared.header("Cookie", format!("__Host-access_token={token}"))).await.expect(200);
    assert!(shared["url"].as_str().unwrap().starts_with("https://inbox.example.com/api/share/"), "{shared}");
    for wrong in [
        "inbox.example.com",
        "ftp://a.example",
        "https://a.example/path",
        "https://u:p@a.example",
        "https://a.example/?q",
    ] {
        let mut command = Runner::command();
        command.args(["--ephemeral", "--port", "0", "--inbox-url", wrong]).stdout(Stdio::null());
        let stderr = String::from_utf8(command.output().await.unwrap().stderr).unwrap();
        assert!(stderr.contains("invalid value") && stderr.contains("--inbox-url"), "{stderr}");
    }
}

/// Browsers bind cookies to a host, not to a port. A page on another port of this machine can make
/// a browser send these requests.
#[tokio::test]
async fn a_foreign_page_is_refused_at_both_hosts() {
    let runner = start_ephemeral(&[]).await;
    let (agent, browser) = (runner.agent(), runner.browser().await);
    let id = agent.request_approval().await;
    let answer = json!({ "response": { "selectedOption": "approve" } });
    let path = format!("/api/messages/{id}/respond");
    for headers in [
        [("Origin", "http://127.0.0.1:3991"), ("Sec-Fetch-Site", "cross-site")],
        [("Origin", "null"), ("Sec-Fetch-Site", "same-site")],
    ] {
        let with = |request: RequestBuilder| headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
        let refused = Reply::fetch(with(browser.request(Method::POST, &path).json(&answer))).await;
        refused.expect_error(403, "foreign_page");
        let form = with(browser.request(Method::POST, &format!("/reviews/{id}")).form(&[("option", "approve")]));
        assert_eq!(Reply::fetch(form).await.status, 403);
    }
    // No page is served at the agents' origin.
    let agents = browser.request(Method::POST, &path).header("Origin", runner.text("url")).json(&answer);
    Reply::fetch(agents).await.expect_error(403, "foreign_page");
    assert_eq!(agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200)["review"]["status"], "pending");
}
