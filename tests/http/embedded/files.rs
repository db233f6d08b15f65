//! The embedded S3's port, which any process and any page on this machine can reach: it serves
//! presigned URLs and nothing else.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;
use reqwest::{Method, RequestBuilder};
use shared::aws::{Clients, Endpoints};
use test_support::{Reply, World, raw_http};

use crate::files::direct_uploads::announce;
use crate::files::uploads::unauthenticated_client;

const ORIGIN: &str = "http://127.0.0.1:3991";
const ALLOW_ORIGIN: &str = "access-control-allow-origin";

/// Stores a file; returns its key in the bucket and a presigned URL.
async fn store_file(world: &World, mime: &str) -> (String, String) {
    let agent = world.person().await.agent().await;
    let file = agent.upload("store", "a", mime, "<script>steal()</script>").await.expect(201);
    let key = file["storageKey"].as_str().unwrap().to_owned();
    let url = presign(world, &key, Duration::ZERO).await;
    (key, url)
}

/// A URL presigned `ago` by the project's own client, with a disposition that browsers would run.
async fn presign(world: &World, key: &str, ago: Duration) -> String {
    let config = PresigningConfig::builder().expires_in(Duration::from_secs(300)).start_time(SystemTime::now() - ago);
    let get = world.clients.s3.get_object().bucket(world.bucket()).key(key).response_content_disposition("inline");
    get.presigned(config.build().unwrap()).await.unwrap().uri().to_owned()
}

pub async fn bytes_of(world: &World, key: &str) -> Vec<u8> {
    let got = world.clients.s3.get_object().bucket(world.bucket()).key(key).send().await.unwrap();
    got.body.collect().await.unwrap().to_vec()
}

#[track_caller]
fn assert_refused(reply: &Reply, what: &str) {
    assert!([400, 403].contains(&reply.status), "{what}: {} {}", reply.status, reply.text());
    assert!(!reply.text().contains("steal"), "{what}");
}

/// Asserts a refusal that no page may read.
#[track_caller]
fn assert_unreadable(reply: &Reply, what: &str) {
    assert_refused(reply, what);
    assert!(!reply.headers.contains_key(ALLOW_ORIGIN), "{what}");
}

#[tokio::test]
async fn the_storage_port_refuses_unsigned_requests() {
    let world = World::embedded().await;
    let (key, url) = store_file(&world, "text/plain").await;
    let (port, path) = (&world.endpoints.s3, format!("{}/{}/{key}", world.endpoints.s3, world.bucket()));
    let client = unauthenticated_client();
    let bucket = format!("{port}/{}", world.bucket());
    let (signature, others) = (url.split_once('?').unwrap().1, format!("{path}x"));
    let unsigned: Vec<(&str, RequestBuilder)> = vec![
        ("list buckets", client.get(port)),
        ("list objects", client.get(format!("{bucket}?list-type=2"))),
        ("get", client.get(&path)),
        ("head", client.head(&path)),
        ("put", client.put(&path).body("x")),
        ("delete", client.delete(&path)),
        ("delete many", client.post(format!("{bucket}?delete")).body("<Delete/>")),
        ("begin a multipart upload", client.post(format!("{path}?uploads"))),
        ("a form", client.post(&bucket).header("content-type", "multipart/form-data; boundary=x").body("--x--")),
        ("make a bucket", client.put(format!("{port}/mine"))),
        ("options", client.request(Method::OPTIONS, &path)),
        ("another method's signature: head", client.head(&url)),
        ("another method's signature: delete", client.delete(&url)),
        ("a forged header", client.get(&path).header("authorization", "AWS4-HMAC-SHA256 Credential=placet-local/x")),
        (
            "an older signature",
            client.get(format!("{path}?AWSAccessKeyId=placet-local&Signature=x&Expires=9999999999")),
        ),
        ("a signature and a header", client.get(&url).header("authorization", "AWS4-HMAC-SHA256 x")),
    ];
    let signed_otherwise = vec![
        ("a forged signature", client.get(format!("{path}?X-Amz-Signature={}", "0".repeat(64)))),
        ("another object's signature", client.get(format!("{others}?{signature}"))),
        ("another method's signature: put", client.put(&url).body("x")),
        ("two signatures", client.get(format!("{url}&X-Amz-Signature={}", "0".repeat(64)))),
    ];
    for (what, request) in unsigned {
        for origin in [None, Some(ORIGIN), Some("null")] {
            let request = request.try_clone().unwrap();
            assert_unreadable(
                &Reply::fetch(origin.iter().fold(request, |it, origin| it.header("origin", *origin))).await,
                what,
            );
        }
    }
    for (what, request) in signed_otherwise {
        assert_refused(&Reply::fetch(request).await, what);
    }
    assert_eq!(bytes_of(&world, &key).await, b"<script>steal()</script>");
}

#[tokio::test]
async fn the_storage_port_refuses_signatures_in_headers() {
    let world = World::embedded().await;
    let (key, _) = store_file(&world, "text/plain").await;
    let outside = Clients::at(&Endpoints { in_process: None, ..world.endpoints.clone() }).await;
    let got = outside.s3.get_object().bucket(world.bucket()).key(&key).send().await.unwrap_err();
    assert_eq!(got.raw_response().unwrap().status().as_u16(), 403);
    let gone = outside.s3.delete_object().bucket(world.bucket()).key(&key).send().await.unwrap_err();
    assert_eq!(gone.raw_response().unwrap().status().as_u16(), 403);
    bytes_of(&world, &key).await;
}

#[tokio::test]
async fn a_presigned_url_is_valid_only_at_its_host_and_in_its_time() {
    let world = World::embedded().await;
    let (key, url) = store_file(&world, "text/plain").await;
    let got = Reply::fetch(unauthenticated_client().get(&url)).await;
    assert_eq!((got.status, got.text().as_str()), (200, "<script>steal()</script>"));
    assert_refused(
        &Reply::fetch(unauthenticated_client().get(presign(&world, &key, Duration::from_secs(301)).await)).await,
        "expired",
    );

    let port = world.endpoints.s3.strip_prefix("http://").unwrap();
    let target = url.strip_prefix(&world.endpoints.s3).unwrap();
    let number = port.split_once(':').unwrap().1;
    let named = |line: &str, hosts: &[&str]| {
        let hosts: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
        format!("GET {line} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n")
    };
    let (localhost, absolute) = (format!("localhost:{number}"), format!("http://evil.example{target}"));
    for request in [
        named(target, &["evil.example"]),
        named(target, &[&localhost]),
        named(target, &["127.0.0.1"]),
        named(target, &[]),
        named(target, &[port, "evil.example"]),
        named(&absolute, &[port]),
    ] {
        let reply = raw_http::send(&world.endpoints.s3, request.as_bytes()).await.unwrap();
        assert_unreadable(&reply, &request);
    }
    let reply = raw_http::send(&world.endpoints.s3, named(target, &[port]).as_bytes()).await.unwrap();
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn the_storage_port_serves_only_presigned_get_and_put() {
    let world = World::embedded().await;
    let agent = world.person().await.agent().await;
    let (_, url) = store_file(&world, "text/plain").await;
    let got = Reply::fetch(unauthenticated_client().get(&url).header("origin", ORIGIN)).await;
    assert_eq!((got.status, got.header(ALLOW_ORIGIN)), (200, "*"));
    assert!(!got.headers.contains_key("access-control-allow-credentials"));

    let upload = announce(&agent, "a", "text/plain", 3).await;
    let target = upload["upload"]["url"].as_str().unwrap();
    let asking = |url: &str, method: &str, origin: bool| {
        let request =
            unauthenticated_client().request(Method::OPTIONS, url).header("access-control-request-method", method);
        let request = request.header("access-control-request-headers", "content-type,if-none-match");
        if origin { request.header("origin", ORIGIN) } else { request }
    };
    let allowed = Reply::fetch(asking(target, "PUT", true)).await;
    assert_eq!((allowed.status, allowed.header(ALLOW_ORIGIN)), (200, "*"));
    let list = |name: &str| -> BTreeSet<String> {
        allowed.header(name).split(',').map(|it| it.trim().to_lowercase()).collect()
    };
    assert_eq!(list("access-control-allow-methods"), ["get", "put"].map(str::to_owned).into());
    assert_eq!(list("access-control-allow-headers"), ["content-type", "if-none-match"].map(str::to_owned).into());
    let unsigned = target.split_once('?').unwrap().0;
    for (url, method, origin) in
        [(unsigned, "PUT", true), (target, "DELETE", true), (target, "POST", true), (target, "PUT", false)]
    {
        assert_unreadable(&Reply::fetch(asking(url, method, origin)).await, method);
    }
}

#[track_caller]
fn assert_attachment(reply: &Reply, mime: &str) {
    assert_eq!(reply.status, 200, "{mime}");
    assert_eq!(reply.header("content-disposition"), "attachment", "{mime}");
    assert_eq!(reply.header("content-security-policy"), "sandbox; default-src 'none'", "{mime}");
    assert_eq!(reply.header("x-content-type-options"), "nosniff", "{mime}");
}

#[tokio::test]
async fn active_content_is_an_attachment_whatever_the_url_asks_for() {
    let world = World::embedded().await;
    for mime in [
        "text/html",
        "TEXT/HTML; charset=utf-8",
        "image/svg+xml",
        "application/xhtml+xml",
        "text/xml",
        "text/javascript",
        "application/x-unknown",
        "text/css",
    ] {
        let got = Reply::fetch(unauthenticated_client().get(store_file(&world, mime).await.1)).await;
        assert_attachment(&got, mime);
    }
    // A type requested in the URL has no effect either.
    let (key, _) = store_file(&world, "text/plain").await;
    let get = world.clients.s3.get_object().bucket(world.bucket()).key(key).response_content_type("text/html");
    let config = PresigningConfig::expires_in(Duration::from_secs(300)).unwrap();
    assert_attachment(
        &Reply::fetch(unauthenticated_client().get(get.presigned(config).await.unwrap().uri())).await,
        "by the URL",
    );
    for mime in ["image/png", "text/plain", "application/pdf", "video/mp4"] {
        let got = Reply::fetch(unauthenticated_client().get(store_file(&world, mime).await.1)).await;
        assert_eq!((got.header("content-disposition"), got.header("x-content-type-options")), ("inline", "nosniff"));
    }
}
