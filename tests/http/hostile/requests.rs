//! Paths, queries, headers and methods of every route.

use std::collections::BTreeMap;

use reqwest::Method;
use test_support::contract::{Call, CallerKind, Placeholder, Route, routes};
use test_support::raw_http;

use super::{Caller, send_checked, send_raw_checked};

const ODD_SEGMENTS: [&str; 9] =
    ["%2e%2e", "..%2f..", "%00", "%ff%fe", "%", "%F0%9F%A6%80", "a%2fb", "%0d%0aX:%20y", "~"];

#[tokio::test]
async fn malformed_paths() {
    let caller = Caller::new().await;
    let credentials = caller.credentials().await;
    let headers: Vec<(&str, &[u8])> = credentials.iter().map(|(name, value)| (*name, value.as_slice())).collect();
    let long = format!("/api/v1/messages/{}", "m".repeat(60_000));
    let longer = format!("/{}", "m".repeat(100_000));
    let deep = "/a".repeat(5_000);
    let paths: [&[u8]; 14] = [
        b"//",
        b"//api/v1/messages",
        b"/api//v1/messages",
        b"/api/v1/messages/",
        b"/api/v1/messages/../../../etc/passwd",
        b"/%2e%2e/%2e%2e/etc/passwd",
        b"/assets/..%2f..%2fCargo.toml",
        b"/api/v1/messages/\xff\xfe",
        b"/API/V1/MESSAGES",
        b"http://evil.example/api/v1/messages",
        b"*",
        long.as_bytes(),
        longer.as_bytes(),
        deep.as_bytes(),
    ];
    for path in paths {
        for method in ["GET", "POST", "DELETE"] {
            let what = format!("{method} {}", String::from_utf8_lossy(&path[..path.len().min(60)]));
            let reply =
                send_raw_checked(&caller.world.url, &raw_http::request(method, path, &headers, b""), &what).await;
            assert!(reply.status >= 300, "{what}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn malformed_ids_in_paths() {
    let caller = Caller::new().await;
    let credentials = caller.credentials().await;
    let headers: Vec<(&str, &[u8])> = credentials.iter().map(|(name, value)| (*name, value.as_slice())).collect();
    let named = |route: &Route| route.path_without_query().contains('{');
    let long = "9".repeat(5_000);
    for route in routes().iter().filter(|route| named(route)) {
        for odd in ODD_SEGMENTS.into_iter().chain([long.as_str()]) {
            // Ids in the query stay valid.
            let (path, query) = route.path.split_once('?').unwrap_or((route.path, ""));
            let path = Route { path, ..*route }.fill(|_| odd.to_owned()).path;
            let query = query.replace("{agent}", &caller.agent.channel);
            let target = format!("{path}?{query}");
            let what = format!("{} {}", route.method, &target[..target.len().min(80)]);
            let request = raw_http::request(route.method, target.as_bytes(), &headers, b"");
            let reply = send_raw_checked(&caller.world.url, &request, &what).await;
            assert!(reply.status >= 400 || route.kinds()[0] == Placeholder::Stream, "{what}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn malformed_queries() {
    let caller = Caller::new().await;
    let credentials = caller.credentials().await;
    let headers: Vec<(&str, &[u8])> = credentials.iter().map(|(name, value)| (*name, value.as_slice())).collect();
    let (long, longer) = (format!("search={}", "x".repeat(50_000)), format!("search={}", "x".repeat(100_000)));
    let queries = [
        "limit=1e3",
        "limit=-1",
        "limit=1&limit=0",
        "limit=%00",
        "cursor=%ff%fe",
        "cursor=00000000000000000000000000",
        "channel=%00&agentId=%00&search=%00&status=%00&type=%00&has_attachments=%00",
        "channel[]=x&channel=",
        "%=%&&&===",
        "timeout=NaN",
        &long,
        &longer,
    ];
    for route in routes().iter().filter(|route| route.method == "GET") {
        let Call { path, .. } = caller.call(route);
        for query in queries {
            let target = format!("{path}{}{query}", if path.contains('?') { '&' } else { '?' });
            let what = format!("GET {}", &target[..target.len().min(160)]);
            send_raw_checked(&caller.world.url, &raw_http::request("GET", target.as_bytes(), &headers, b""), &what)
                .await;
        }
    }
}

#[tokio::test]
async fn very_many_and_very_long_headers() {
    let caller = Caller::new().await;
    let (url, key) = (&caller.world.url, caller.agent.key.as_bytes());
    let target = format!("/api/v1/messages?channel={}", caller.agent.channel);
    let send = async |headers: &[(&str, &[u8])], what: &str| {
        let headers = [headers, &[("x-api-key", key)]].concat();
        send_raw_checked(url, &raw_http::request("GET", target.as_bytes(), &headers, b""), what).await.status
    };
    let large = vec![b'x'; 100_000];
    let cookies = "a=b; ".repeat(10_000);
    assert_eq!(send(&vec![("X-Flood", b"x".as_slice()); 90], "90 headers").await, 200);
    for many in [200, 5_000] {
        let status = send(&vec![("X-Flood", b"x".as_slice()); many], "a flood of headers").await;
        assert!((400..500).contains(&status), "{many} headers: {status}");
    }
    // A long header is accepted up to the size of a connection's buffer, and refused beyond it.
    for (name, value) in [("X-Large", large.as_slice()), ("Cookie", cookies.as_bytes())] {
        send(&[(name, value)], name).await;
    }
    let endless = send(&[("X-Large", &vec![b'x'; 2_000_000])], "2 MB of a header").await;
    assert!((400..500).contains(&endless), "{endless}");
    // The first credential counts, even if it is malformed.
    for (name, value) in [
        ("Authorization", large.as_slice()),
        ("Authorization", b"Bearer \xff\xfe"),
        ("Authorization", b"Bearer hp_"),
        ("Authorization", b"Basic eDp5"),
        ("Idempotency-Key", b"\xff"),
        ("Host", b"evil.example"),
        ("X-Forwarded-Proto", b"\xff"),
        ("Range", b"bytes=9-1"),
        ("If-None-Match", b"\"\xff"),
        ("Expect", b"100-continue"),
        ("Accept", b"text/html"),
    ] {
        send(&[(name, value), (name, value)], name).await;
    }
    let other = b"Bearer hp_nobody".as_slice();
    let bearer = [b"Bearer ", key].concat();
    let request =
        raw_http::request("GET", target.as_bytes(), &[("Authorization", other), ("Authorization", &bearer)], b"");
    assert_eq!(send_raw_checked(url, &request, "two credentials").await.status, 401);
}

#[tokio::test]
async fn truncated_bodies() {
    let caller = Caller::new().await;
    let key = caller.agent.key.as_bytes();
    for (headers, body) in [
        ("Transfer-Encoding: chunked", "zz\r\nno chunk\r\n0\r\n\r\n"),
        ("Content-Length: 3\r\nContent-Length: 4", "{}  "),
        ("Content-Length: -1", "{}"),
        ("Content-Length: 99999999999999999999999", "{}"),
    ] {
        let head = format!(
            "POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n{headers}\r\nx-api-key: "
        );
        let request = [head.as_bytes(), key, b"\r\n\r\n", body.as_bytes()].concat();
        let reply = send_raw_checked(&caller.world.url, &request, headers).await;
        assert!((400..500).contains(&reply.status), "{headers}: {}", reply.text());
    }
}

#[tokio::test]
async fn an_unknown_method_is_405_with_allow() {
    let caller = Caller::new().await;
    let mut paths: BTreeMap<&str, Vec<Route>> = BTreeMap::new();
    for route in routes() {
        paths.entry(route.path_without_query()).or_default().push(route);
    }
    for (path, rows) in paths {
        let has = |method: &str| rows.iter().any(|route| route.method == method);
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"] {
            if has(method) {
                continue;
            }
            let call = caller.call(&rows[0]);
            let (verb, what) = (Method::from_bytes(method.as_bytes()).unwrap(), format!("{method} {path}"));
            let request = match call.by {
                CallerKind::Agent => caller.agent.request(verb, &call.path),
                CallerKind::Human => caller.person.request(verb, &call.path),
            };
            if method == "HEAD" {
                let reply =
                    test_support::Reply::try_fetch(request).await.unwrap_or_else(|| panic!("no answer to {what}"));
                assert!(reply.status < 500 && reply.bytes.is_empty(), "{what}: {}", reply.text());
                continue;
            }
            let reply = send_checked(request, &what).await;
            if reply.text().contains("There is no such path.") {
                continue; // `tenants` reports paths that do not exist
            }
            reply.expect_error(405, "method_not_allowed");
            for route in &rows {
                assert!(reply.header("allow").contains(route.method), "{what}: {:?}", reply.headers);
            }
        }
    }
}

#[tokio::test]
async fn unexpected_bodies() {
    let caller = Caller::new().await;
    let bodies: [&[u8]; 3] = [b"{", b"\x00\xff", &[b'x'; 200_000]];
    let without = |route: &&Route| ["GET", "DELETE"].contains(&route.method);
    for route in routes().iter().filter(without) {
        let call = caller.call(route);
        for body in bodies {
            let request =
                call.request_without_body(&caller.person, &caller.agent).header("Content-Type", "application/json");
            send_checked(request.body(body.to_vec()), &format!("{} {} with a body", route.method, route.path)).await;
        }
    }
}
