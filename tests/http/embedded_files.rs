//! The embedded S3's port, which any process and any page of this machine can find: it serves
//! presigned URLs and nothing else. And its disk: what was acknowledged is on it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use placet_tests::{Agent, Reply, World, raw, secret};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use shared::app::App;
use shared::storage::{Clients, Endpoints};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::file_uploads::{announced, anybody, put};

const PAGE: &str = "http://127.0.0.1:3991";
const OPENED: &str = "access-control-allow-origin";

/// A file that is there: its key in the bucket, and a URL that serves it.
async fn stored(world: &World, mime: &str) -> (String, String) {
    let agent = world.person().await.agent().await;
    let file = agent.upload("store", "a", mime, "<script>steal()</script>").await.expect(201);
    let key = file["storageKey"].as_str().unwrap().to_owned();
    let url = presigned(world, &key, Duration::ZERO).await;
    (key, url)
}

/// A URL of our own client that asks for what a browser would run, signed this long ago.
async fn presigned(world: &World, key: &str, ago: Duration) -> String {
    let config = PresigningConfig::builder().expires_in(Duration::from_secs(300)).start_time(SystemTime::now() - ago);
    let get = world.clients.s3.get_object().bucket(world.bucket()).key(key).response_content_disposition("inline");
    get.presigned(config.build().unwrap()).await.unwrap().uri().to_owned()
}

async fn bytes_of(world: &World, key: &str) -> Vec<u8> {
    let got = world.clients.s3.get_object().bucket(world.bucket()).key(key).send().await.unwrap();
    got.body.collect().await.unwrap().to_vec()
}

#[track_caller]
fn refused(reply: &Reply, what: &str) {
    assert!([400, 403].contains(&reply.status), "{what}: {} {}", reply.status, reply.text());
    assert!(!reply.text().contains("steal"), "{what}");
}

/// Refused, and no page may read even that.
#[track_caller]
fn nothing(reply: &Reply, what: &str) {
    refused(reply, what);
    assert!(!reply.headers.contains_key(OPENED), "{what}");
}

#[tokio::test]
async fn a_process_without_credentials_gets_nothing_from_the_port() {
    let world = World::embedded().await;
    let (key, url) = stored(&world, "text/plain").await;
    let (port, path) = (&world.endpoints.s3, format!("{}/{}/{key}", world.endpoints.s3, world.bucket()));
    let client = anybody();
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
        ("a made-up header", client.get(&path).header("authorization", "AWS4-HMAC-SHA256 Credential=placet-local/x")),
        (
            "an older signature",
            client.get(format!("{path}?AWSAccessKeyId=placet-local&Signature=x&Expires=9999999999")),
        ),
        ("a signature and a header", client.get(&url).header("authorization", "AWS4-HMAC-SHA256 x")),
    ];
    let signed_otherwise = vec![
        ("a made-up signature", client.get(format!("{path}?X-Amz-Signature={}", "0".repeat(64)))),
        ("another object's signature", client.get(format!("{others}?{signature}"))),
        ("another method's signature: put", client.put(&url).body("x")),
        ("two signatures", client.get(format!("{url}&X-Amz-Signature={}", "0".repeat(64)))),
    ];
    for (what, request) in unsigned {
        for origin in [None, Some(PAGE), Some("null")] {
            let request = request.try_clone().unwrap();
            nothing(&Reply::of(origin.iter().fold(request, |it, origin| it.header("origin", *origin))).await, what);
        }
    }
    for (what, request) in signed_otherwise {
        refused(&Reply::of(request).await, what);
    }
    assert_eq!(bytes_of(&world, &key).await, b"<script>steal()</script>");
}

#[tokio::test]
async fn not_even_our_own_credentials_open_the_port_in_a_header() {
    let world = World::embedded().await;
    let (key, _) = stored(&world, "text/plain").await;
    let outside = Clients::at(&Endpoints { in_process: None, ..world.endpoints.clone() }).await;
    let got = outside.s3.get_object().bucket(world.bucket()).key(&key).send().await.unwrap_err();
    assert_eq!(got.raw_response().unwrap().status().as_u16(), 403);
    let gone = outside.s3.delete_object().bucket(world.bucket()).key(&key).send().await.unwrap_err();
    assert_eq!(gone.raw_response().unwrap().status().as_u16(), 403);
    bytes_of(&world, &key).await;
}

#[tokio::test]
async fn a_presigned_url_is_good_under_its_own_address_and_in_its_time_only() {
    let world = World::embedded().await;
    let (key, url) = stored(&world, "text/plain").await;
    let got = Reply::of(anybody().get(&url)).await;
    assert_eq!((got.status, got.text().as_str()), (200, "<script>steal()</script>"));
    refused(&Reply::of(anybody().get(presigned(&world, &key, Duration::from_secs(301)).await)).await, "expired");

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
        let reply = raw::send(&world.endpoints.s3, request.as_bytes()).await.unwrap();
        nothing(&reply, &request);
    }
    let reply = raw::send(&world.endpoints.s3, named(target, &[port]).as_bytes()).await.unwrap();
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn pages_get_and_put_by_presigned_urls_and_ask_for_nothing_else() {
    let world = World::embedded().await;
    let agent = world.person().await.agent().await;
    let (_, url) = stored(&world, "text/plain").await;
    let got = Reply::of(anybody().get(&url).header("origin", PAGE)).await;
    assert_eq!((got.status, got.header(OPENED)), (200, "*"));
    assert!(!got.headers.contains_key("access-control-allow-credentials"));

    let upload = announced(&agent, "a", "text/plain", 3).await;
    let target = upload["upload"]["url"].as_str().unwrap();
    let asking = |url: &str, method: &str, origin: bool| {
        let request = anybody().request(Method::OPTIONS, url).header("access-control-request-method", method);
        let request = request.header("access-control-request-headers", "content-type,if-none-match");
        if origin { request.header("origin", PAGE) } else { request }
    };
    let allowed = Reply::of(asking(target, "PUT", true)).await;
    assert_eq!((allowed.status, allowed.header(OPENED)), (200, "*"));
    let list = |name: &str| -> BTreeSet<String> {
        allowed.header(name).split(',').map(|it| it.trim().to_lowercase()).collect()
    };
    assert_eq!(list("access-control-allow-methods"), ["get", "put"].map(str::to_owned).into());
    assert_eq!(list("access-control-allow-headers"), ["content-type", "if-none-match"].map(str::to_owned).into());
    let unsigned = target.split_once('?').unwrap().0;
    for (url, method, origin) in
        [(unsigned, "PUT", true), (target, "DELETE", true), (target, "POST", true), (target, "PUT", false)]
    {
        nothing(&Reply::of(asking(url, method, origin)).await, method);
    }
}

#[track_caller]
fn attached(reply: &Reply, mime: &str) {
    assert_eq!(reply.status, 200, "{mime}");
    assert_eq!(reply.header("content-disposition"), "attachment", "{mime}");
    assert_eq!(reply.header("content-security-policy"), "sandbox; default-src 'none'", "{mime}");
    assert_eq!(reply.header("x-content-type-options"), "nosniff", "{mime}");
}

#[tokio::test]
async fn what_a_browser_could_run_is_an_attachment_whatever_the_url_asks_for() {
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
        let got = Reply::of(anybody().get(stored(&world, mime).await.1)).await;
        attached(&got, mime);
    }
    // Neither does a type that the URL asks for.
    let (key, _) = stored(&world, "text/plain").await;
    let get = world.clients.s3.get_object().bucket(world.bucket()).key(key).response_content_type("text/html");
    let config = PresigningConfig::expires_in(Duration::from_secs(300)).unwrap();
    attached(&Reply::of(anybody().get(get.presigned(config).await.unwrap().uri())).await, "by the URL");
    for mime in ["image/png", "text/plain", "application/pdf", "video/mp4"] {
        let got = Reply::of(anybody().get(stored(&world, mime).await.1)).await;
        assert_eq!((got.header("content-disposition"), got.header("x-content-type-options")), ("inline", "nosniff"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_uploads_to_one_url_one_succeeds() {
    let world = World::embedded().await;
    let agent = world.person().await.agent().await;
    for round in 0..15 {
        let announced = announced(&agent, "a", "text/plain", 100_000).await;
        let uploads = (0..8_u8).map(|number| {
            let announced = announced.clone();
            tokio::spawn(async move { put(&announced, vec![number; 100_000]).await.status })
        });
        let statuses: Vec<u16> = join_all(uploads).await.into_iter().map(Result::unwrap).collect();
        let winners: Vec<usize> = (0..8).filter(|index| statuses[*index] == 200).collect();
        assert_eq!(winners.len(), 1, "round {round}: {statuses:?}");
        assert!(statuses.iter().all(|status| [200, 409, 412].contains(status)), "{statuses:?}");
        let key = announced["attachment"]["storageKey"].as_str().unwrap();
        assert_eq!(bytes_of(&world, key).await, vec![u8::try_from(winners[0]).unwrap(); 100_000]);
    }
}

#[tokio::test]
async fn an_upload_that_is_refused_leaves_nothing_and_takes_nothing() {
    let world = World::embedded().await;
    let agent = world.person().await.agent().await;
    let announced = announced(&agent, "a", "text/plain", 3).await;
    let mut wrong = announced.clone();
    wrong["upload"]["headers"]["content-md5"] = json!(STANDARD.encode([0; 16]));
    assert_eq!(put(&wrong, b"abc".to_vec()).await.status, 400);
    let key = announced["attachment"]["storageKey"].as_str().unwrap();
    let head = world.clients.s3.head_object().bucket(world.bucket()).key(key).send().await;
    assert!(head.unwrap_err().into_service_error().is_not_found());
    assert_eq!(put(&announced, b"abc".to_vec()).await.status, 200);
    assert_eq!(put(&announced, b"xyz".to_vec()).await.status, 412);
    assert_eq!(bytes_of(&world, key).await, b"abc");
}

/// What happened, in order: what was synced to the disk, and what was written to the table.
static HISTORY: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(what: String) {
    HISTORY.lock().unwrap_or_else(PoisonError::into_inner).push(what);
}

/// Notes each path that was synced, of all worlds.
struct Synced;

impl Visit for Synced {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "path" {
            note(format!("synced {value:?}"));
        }
    }
}

impl Subscriber for Synced {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("placet_local::objects::disk")
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Self);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Notes each write to the table, then passes it on.
#[derive(Clone, Debug)]
struct Watched(Arc<placet_local::in_process::InProcess>);

impl HttpConnector for Watched {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if let Some(target) = request.headers().get("x-amz-target") {
            note(format!("{target} {}", String::from_utf8_lossy(request.body().bytes().unwrap_or_default())));
        }
        self.0.call(request)
    }
}

impl HttpClient for Watched {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// The same service, its writes to the table and to the disk noted.
async fn watched(world: &World) -> String {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Synced).unwrap());
    let engines = Watched(Arc::new(world.in_process().unwrap().clone()));
    let endpoints = Endpoints { in_process: Some(SharedHttpClient::new(engines)), ..world.endpoints.clone() };
    let (clock, waits) = (world.app.clock.clone(), world.app.waits.clone());
    let clients = Clients::at(&endpoints).await;
    let app = App::new(&clients, &world.table, world.bucket(), clock, waits, secret());
    world.beside(placet_local::routes(), app).await
}

#[tokio::test]
async fn bytes_and_their_directories_are_on_the_disk_before_the_item_is_written() {
    let world = World::embedded().await;
    let agent = world.person().await.agent().await;
    let agent = Agent::new(&watched(&world).await, &agent.key, &agent.channel);
    let stored = agent.upload("store", "a", "text/plain", "abc").await.expect(201);
    let message = agent.send(json!({ "textAttachments": [{ "content": "abc" }] })).await.expect(201);
    for file in [&stored, &message["attachments"][0]] {
        let (id, key) = (file["id"].as_str().unwrap(), file["storageKey"].as_str().unwrap());
        let history = HISTORY.lock().unwrap().clone();
        let root = world.database().unwrap().parent().unwrap().join("s3");
        let object = root.join(world.bucket()).join(key);
        let at = |path: &Path| {
            let line = format!("synced {}", path.display());
            history.iter().position(|it| *it == line).unwrap_or_else(|| panic!("{} is not synced", path.display()))
        };
        let of_item = |it: &String| it.starts_with("DynamoDB_20120810.TransactWriteItems") && it.contains(id);
        let visible = history.iter().rposition(of_item).expect("the item is written");
        let bytes = at(&object);
        for directory in object.ancestors().skip(1).take_while(|it| it.starts_with(&root)) {
            let line = format!("synced {}", directory.display());
            assert!(history[bytes..visible].contains(&line), "{line} between the bytes and the item");
        }
        let metadata = history[bytes..visible].iter().filter(|it| it.contains(".bucket-") && it.ends_with(".json"));
        assert_eq!(metadata.count(), 2, "the type and the checksum are files, too");
    }
}
