//! Settings in the headers of a plugin's requests: where secret ones go, and how long they get.

use serde_json::{Value, json};
use test_support::World;

use crate::plugins::callers::{at_callers, fetch, receiver, set};

#[tokio::test]
async fn a_plugin_that_may_call_any_host_gets_no_secret() {
    let world = World::isolated().await;
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
async fn a_secret_is_sent_only_over_https_to_the_default_port() {
    let world = World::isolated().await;
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
async fn a_secret_is_sent_only_to_the_port_in_the_manifest() {
    let world = World::isolated().await;
    let owner = at_callers(&world, &world.person().await, false).await;
    set(&owner, "ported", json!({ "TOKEN": "s3cret" })).await.expect(200);
    let to = async |url: &str| {
        let request = json!({ "url": url, "headers": { "X-Say": "{{TOKEN}}" } });
        fetch(&owner, "ported", request).await.expect_error(400, "validation_failed")["errors"][0]["code"].clone()
    };
    for (url, code) in [
        // As far as the address, which is private.
        ("https://localhost:8443/", "private_address"),
        ("https://[::1]:8443/", "private_address"),
        ("http://localhost:8443/", "secret_in_the_open"),
        ("https://localhost/", "host_not_allowed"),
        ("https://localhost:8444/", "host_not_allowed"),
    ] {
        assert_eq!(to(url).await, code, "{url}");
    }
}

#[tokio::test]
async fn secrets_over_plain_http_go_only_to_loopback() {
    let world = World::isolated().await;
    let owner = at_callers(&world, &world.person().await, true).await;
    set(&owner, "caller", json!({ "TOKEN": "s3cret" })).await.expect(200);
    let host = receiver().await;
    let request = |url: &str| json!({ "url": url, "headers": { "X-Say": "{{TOKEN}}" } });
    let answer = fetch(&owner, "caller", request(&format!("{host}/echo"))).await.expect(200);
    assert!(answer["body"].as_str().unwrap().contains("x-say: s3cret"));
    let refused = fetch(&owner, "caller", request("http://192.0.2.1/")).await;
    assert_eq!(refused.json()["errors"][0]["code"], "secret_in_the_open");
    assert!(!refused.text().contains("s3cret"));
}

#[tokio::test]
async fn header_limits_apply_after_substitution() {
    let world = World::isolated().await;
    let owner = at_callers(&world, &world.person().await, true).await;
    set(&owner, "caller", json!({ "GREETING": "x".repeat(4096) })).await.expect(200);
    let url = format!("{}/missing", receiver().await);
    let sent = async |headers: Value| fetch(&owner, "caller", json!({ "url": url, "headers": headers })).await;
    sent(json!({ "X-Long": "{{GREETING}}".repeat(2) })).await.expect(200);
    // A short text that would be a long header is refused before it is one.
    for template in ["{{GREETING}}{{GREETING}}x".to_owned(), "{{GREETING}}".repeat(80_000), "x".repeat(8193)] {
        let refused = sent(json!({ "X-Long": template })).await;
        assert_eq!(refused.expect_invalid(), ["headers.X-Long"]);
        assert_eq!(refused.json()["errors"][0]["code"], "too_long");
    }
    let all = |count: usize| (0..count).map(|n| (format!("X-{n}"), json!("{{GREETING}}"))).collect::<Value>();
    sent(all(3)).await.expect(200);
    let refused = sent(all(4)).await;
    assert_eq!(refused.expect_invalid(), ["headers"]);
    assert_eq!(refused.json()["errors"][0]["code"], "too_long");
}
