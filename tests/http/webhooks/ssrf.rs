//! Server-side request forgery: private addresses are refused when a URL is set and again when a
//! request is sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use shared::outbound::{Failure, Outbound};
use test_support::{Runner, World};
use tokio::net::TcpListener;

use crate::support::receiver::Receiver;

/// Private addresses, in every notation that clients accept.
const PRIVATE_URLS: &[&str] = &[
    // loopback
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.255.255.254/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.1./",
    "http://user:pw@127.0.0.1/",
    "http://example.com@127.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "http://１２７.0.0.1/",
    "http://127。0。0。1/",
    "http://%31%32%37.0.0.1/",
    "http://①②⑦.0.0.1/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://a.localhost/",
    "https://localhost:8443/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    // this network and unspecified
    "http://0/",
    "http://0.0.0.0/",
    "http://0.1.2.3/",
    "http://[::]/",
    "http://[::ffff:0:0]/",
    // private and shared address space
    "http://10.0.0.1/",
    "http://10.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://3232235521/",
    "http://100.64.0.1/",
    "http://[::ffff:10.0.0.1]/",
    "http://[fc00::1]/",
    "http://[fdff::1]/",
    "http://[64:ff9b::a00:1]/",
    "http://[2002:a00:1::]/",
    // link-local, with cloud metadata services
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.170.2/v2/credentials",
    "http://[::ffff:169.254.169.254]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://100.100.100.200/",
    // documentation, benchmarking, multicast and reserved
    "http://192.0.0.192/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fec0::1]/",
];

/// URLs that are malformed or not HTTP.
const NON_HTTP_URLS: &[&str] = &[
    "file:///etc/passwd",
    "ftp://93.184.215.14/",
    "gopher://93.184.215.14/",
    "javascript:alert(1)",
    "data:,x",
    "//127.0.0.1/",
    "http://",
    "http:///",
    "http://[::1",
    "http://1.2.3.4.5/",
    "http://256.1.1.1/",
    "unix:/run/docker.sock",
    "",
];

#[tokio::test]
async fn no_url_with_a_private_address_can_be_set() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let path = format!("/api/agents/{}", agent.channel);
    for url in PRIVATE_URLS.iter().chain(NON_HTTP_URLS) {
        let webhook = json!({ "channelId": agent.channel, "url": url });
        let set = agent.post("/api/v1/agents/setWebhook", webhook).await;
        assert_eq!(set.expect_invalid(), ["url"], "{url}");
        // In a PATCH, an empty URL deletes the webhook.
        if !url.is_empty() {
            let patched = person.request(Method::PATCH, &path).json(&json!({ "webhookUrl": url }));
            let patched = test_support::Reply::fetch(patched).await;
            assert_eq!(patched.expect_invalid(), ["webhookUrl"], "{url}");
        }
        let sent = agent.send(json!({ "text": "x", "webhookUrl": url })).await;
        assert_eq!(sent.expect_invalid(), ["webhookUrl"], "{url}");
        let review = json!({ "type": "approval", "callback": { "url": url } });
        let sent = agent.send(json!({ "text": "x", "review": review })).await;
        assert_eq!(sent.expect_invalid(), ["review.callback.url"], "{url}");
    }
    assert_eq!(agent.get_in_channel("/api/v1/messages").await.expect(200)["data"], json!([]));
}

async fn post(outbound: &Outbound, url: &str) -> Result<u16, Failure> {
    let Ok(request) = http::Request::post(url).body(Default::default()) else { return Err(Failure::Private) };
    outbound.fetch(request, Duration::from_secs(2), 1024).await.map(|response| response.status().as_u16())
}

#[tokio::test]
async fn the_sender_connects_to_no_private_address() {
    let world = World::start().await;
    for url in PRIVATE_URLS {
        // The stored URL is the parsed one, which the sender gets.
        let Ok(parsed) = url::Url::parse(url) else { continue };
        let failure = post(&world.app.outbound, parsed.as_str()).await.expect_err(url);
        assert!(
            matches!(failure, Failure::Private | Failure::Unreachable | Failure::UnknownHost),
            "{url}: {failure:?}"
        );
    }
}

/// Starts a listener that counts connections.
async fn counting_listener() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = connections.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, connections)
}

#[tokio::test]
async fn proxies_of_the_environment_are_ignored() {
    let (proxy, connections) = counting_listener().await;
    let dir = tempfile::TempDir::with_prefix("placet-test-").unwrap();
    let (receiver, (direct, attempts)) = (Receiver::start([]).await, counting_listener().await);
    let mut command = Runner::command();
    command.args(["--json", "--port", "0", "--allow-loopback-webhooks", "--data-dir"]).arg(dir.path());
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, format!("http://{proxy}"));
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    let runner = Runner::from(command).await;
    let (agent, person) = (runner.agent(), runner.person().await);
    // Storage requests, lookups and webhooks bypass the proxy.
    for url in [&receiver.url, &format!("https://{direct}/")] {
        let review = json!({ "text": "?", "review": { "type": "approval" }, "webhookUrl": url });
        let review = agent.create_message(review).await;
        person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
    }
    receiver.wait_for(1).await;
    let began = Instant::now();
    while attempts.load(Ordering::SeqCst) == 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "no direct connection to the https address");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0, "nothing connected to the proxy");
}
