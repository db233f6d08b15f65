//! `POST /api/plugins/{name}/fetch`: the requests that plugins send, to which hosts, and the responses.

use serde_json::{Value, json};
use test_support::{Person, Runner, World};

use crate::plugins::callers::{fetch, start_echo_host, update_settings, with_calling_plugins};

#[tokio::test]
async fn a_request_goes_out_as_the_plugin_wrote_it() {
    let world = World::isolated().await;
    let owner = with_calling_plugins(&world, &world.person().await, true).await;
    let host = start_echo_host().await;
    update_settings(&owner, "caller", json!({ "TOKEN": "s3cret {{GREETING}}" })).await.expect(200);
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
async fn redirects_are_returned_and_oversized_responses_refused() {
    let world = World::isolated().await;
    let person = with_calling_plugins(&world, &world.member().await, true).await;
    let host = start_echo_host().await;
    let get = async |path: &str| fetch(&person, "caller", json!({ "url": format!("{host}{path}") })).await;
    let redirect = get("/redirect").await.expect(200);
    assert_eq!((&redirect["status"], &redirect["headers"]["location"]), (&json!(303), &json!("/echo")));
    assert_eq!(get("/fits").await.expect(200)["body"].as_str().unwrap().len(), 1 << 20);
    for path in ["/big", "/control"] {
        let refused = get(path).await.expect_error(502, "upstream_failed");
        assert_eq!(refused["message"], "The called host sent a response that is too large.");
    }
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    fetch(&person, "caller", json!({ "url": format!("http://{gone}/") })).await.expect_error(502, "upstream_failed");
    fetch(&person, "any-host", json!({ "url": "http://unknown.invalid/" })).await.expect_error(502, "upstream_failed");
}

#[tokio::test]
async fn only_hosts_that_the_manifest_names_are_called() {
    let world = World::isolated().await;
    let person = with_calling_plugins(&world, &world.person().await, true).await;
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
    refused("no-host", "https://example.com/").await;
    fetch(&person, "other", json!({ "url": "https://example.com/" })).await.expect_error(404, "not_found");
    let bundled = person.at(&world.url);
    fetch(&bundled, "status-card", json!({ "url": "https://example.com/" }))
        .await
        .expect_error(400, "validation_failed");
}

#[tokio::test]
async fn private_addresses_are_refused_in_every_notation() {
    let world = World::isolated().await;
    let person = world.person().await;
    let host = start_echo_host().await;
    let port = host.rsplit(':').next().unwrap();
    let refused = async |person: &Person, url: &str| {
        let body = fetch(person, "any-host", json!({ "url": url })).await.expect_error(400, "validation_failed");
        assert_eq!(body["errors"][0]["code"], "private_address", "{url}: {body}");
    };
    let without_loopback = with_calling_plugins(&world, &person, false).await;
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
        refused(&without_loopback, &format!("http://{loopback}:{port}/echo")).await;
    }
    // Whether this name resolves depends on the machine; the request is refused on any.
    let odd = fetch(&without_loopback, "any-host", json!({ "url": format!("http://localhost.:{port}/echo") })).await;
    assert!(matches!(odd.status, 400 | 502), "{}", odd.text());
    // Allowing loopback allows no other private address.
    let with_loopback = with_calling_plugins(&world, &person, true).await;
    fetch(&with_loopback, "any-host", json!({ "url": format!("http://localhost:{port}/echo") })).await.expect(200);
    for loopback in [false, true] {
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
            // One service would soon answer 429.
            let person = with_calling_plugins(&world, &person, loopback).await;
            refused(&person, &format!("http://{private}:{port}/")).await;
            refused(&person, &format!("https://{private}/")).await;
        }
    }
}

#[tokio::test]
async fn unsendable_requests_are_named() {
    let world = World::isolated().await;
    let person = with_calling_plugins(&world, &world.person().await, true).await;
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
        ("X-Token", "{{TOKEN}}"), // has no value
    ] {
        assert_eq!(refused(json!({ "url": url, "headers": { name: value } })).await, [format!("headers.{name}")]);
    }
}

#[tokio::test]
async fn loopback_is_allowed_only_by_the_runners_option() {
    let host = start_echo_host().await;
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
async fn hosts_that_nobody_named_are_only_read_and_not_often() {
    let world = World::isolated().await;
    let (person, other) = (world.person().await, world.member().await);
    let person = with_calling_plugins(&world, &person, true).await;
    let host = start_echo_host().await;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let request = json!({ "url": format!("{host}/echo"), "method": method });
        let refused = fetch(&person, "any-host", request.clone()).await.expect_error(400, "validation_failed");
        assert_eq!(refused["errors"][0]["code"], "method_not_allowed", "{method}");
        fetch(&person, "caller", request).await.expect(200);
    }
    let read = json!({ "url": format!("{host}/echo") });
    // The next call is allowed every three seconds, in which a slow engine makes some.
    let mut accepted = 0;
    let refused = loop {
        let method = ["GET", "HEAD"][accepted % 2];
        let request = json!({ "url": format!("{host}/echo"), "method": method });
        let reply = fetch(&person, "any-host", request).await;
        if reply.status != 200 {
            break reply;
        }
        accepted += 1;
        assert!(accepted < 60, "no limit");
    };
    assert!(accepted >= 20, "{accepted}");
    refused.expect_error(429, "too_many_requests");
    assert!((1..=3).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    // Neither hosts that the manifest names nor other users are affected.
    fetch(&person, "caller", read.clone()).await.expect(200);
    fetch(&other.at(&person.origin()), "any-host", read).await.expect(200);
}
