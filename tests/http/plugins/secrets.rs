//! Settings in the headers of plugin requests: where secrets may be sent, and limits on length.

use serde_json::{Value, json};
use test_support::World;

use crate::plugins::callers::{fetch, start_echo_host, update_settings, with_calling_plugins};

#[tokio::test]
async fn a_plugin_that_may_call_any_host_gets_no_secret() {
    let world = World::isolated().await;
    let owner = with_calling_plugins(&world, &world.person().await, true).await;
    let host = start_echo_host().await;
    update_settings(&owner, "any-host", json!({ "TOKEN": "s3cret" })).await.expect(200);
    let request = |value: &str| json!({ "url": format!("{host}/echo"), "headers": { "X-Say": value } });
    let refused = fetch(&owner, "any-host", request("{{TOKEN}}")).await;
    assert_eq!(refused.expect_invalid(), ["headers.X-Say"]);
    assert!(!refused.text().contains("s3cret"));
    let answer = fetch(&owner, "any-host", request("{{GREETING}}")).await.expect(200);
    assert!(answer["body"].as_str().unwrap().contains("x-say: hello"));
}

#[tokio::test]
async fn a_secret_is_sent_only_over_https_to_the_default_port() {
    let world = World::isolated().await;
    let owner = with_calling_plugins(&world, &world.person().await, false).await;
    update_settings(&owner, "caller", json!({ "TOKEN": "s3cret" })).await.expect(200);
    for url in ["http://localhost/", "https://localhost:8443/"] {
        let request = |value: &str| json!({ "url": url, "headers": { "X-Say": value } });
        let refused = fetch(&owner, "caller", request("{{TOKEN}}")).await;
        assert_eq!(refused.expect_invalid(), ["headers.X-Say"]);
        assert_eq!(refused.json()["errors"][0]["code"], "secret_in_the_open");
        assert!(!refused.text().contains("s3cret"));
        // A plain setting passes this check; the request then fails because the address is private.
        assert_eq!(fetch(&owner, "caller", request("{{GREETING}}")).await.expect_invalid(), ["url"]);
    }
    let safe = json!({ "url": "https://localhost/", "headers": { "X-Say": "{{TOKEN}}" } });
    assert_eq!(fetch(&owner, "caller", safe).await.expect_invalid(), ["url"]);
}

#[tokio::test]
async fn a_secret_is_sent_only_to_the_port_in_the_manifest() {
    let world = World::isolated().await;
    let owner = with_calling_plugins(&world, &world.person().await, false).await;
    update_settings(&owner, "one-port", json!({ "TOKEN": "s3cret" })).await.expect(200);
    let error_code = async |url: &str| {
        let request = json!({ "url": url, "headers": { "X-Say": "{{TOKEN}}" } });
        fetch(&owner, "one-port", request).await.expect_error(400, "validation_failed")["errors"][0]["code"].clone()
    };
    for (url, code) in [
        // Passes this check and fails because the address is private.
        ("https://localhost:8443/", "private_address"),
        ("https://[::1]:8443/", "private_address"),
        ("http://localhost:8443/", "secret_in_the_open"),
        ("https://localhost/", "host_not_allowed"),
        ("https://localhost:8444/", "host_not_allowed"),
    ] {
        assert_eq!(error_code(url).await, code, "{url}");
    }
}

#[tokio::test]
async fn secrets_over_plain_http_go_only_to_loopback() {
    let world = World::isolated().await;
    let owner = with_calling_plugins(&world, &world.person().await, true).await;
    update_settings(&owner, "caller", json!({ "TOKEN": "s3cret" })).await.expect(200);
    let host = start_echo_host().await;
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
    let owner = with_calling_plugins(&world, &world.person().await, true).await;
    update_settings(&owner, "caller", json!({ "GREETING": "x".repeat(4096) })).await.expect(200);
    let url = format!("{}/missing", start_echo_host().await);
    let send = async |headers: Value| fetch(&owner, "caller", json!({ "url": url, "headers": headers })).await;
    send(json!({ "X-Long": "{{GREETING}}".repeat(2) })).await.expect(200);
    // A short template that expands to a long header is refused before the expansion.
    for template in ["{{GREETING}}{{GREETING}}x".to_owned(), "{{GREETING}}".repeat(80_000), "x".repeat(8193)] {
        let refused = send(json!({ "X-Long": template })).await;
        assert_eq!(refused.expect_invalid(), ["headers.X-Long"]);
        assert_eq!(refused.json()["errors"][0]["code"], "too_long");
    }
    let all = |count: usize| (0..count).map(|n| (format!("X-{n}"), json!("{{GREETING}}"))).collect::<Value>();
    send(all(3)).await.expect(200);
    let refused = send(all(4)).await;
    assert_eq!(refused.expect_invalid(), ["headers"]);
    assert_eq!(refused.json()["errors"][0]["code"], "too_long");
}
