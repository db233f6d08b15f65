//! Uploads to the embedded S3: the first of several wins, and bytes are synced before their item.

use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use serde_json::json;
use shared::aws::{Clients, Endpoints};
use shared::http::App;
use test_support::{Agent, World, secrets};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::embedded::files::bytes_of;
use crate::files::direct_uploads::{announce, put};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_concurrent_uploads_to_one_url_one_succeeds() {
    let world = World::embedded().await;
    let agent = world.person().await.agent().await;
    for round in 0..15 {
        let announced = announce(&agent, "a", "text/plain", 100_000).await;
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
async fn a_refused_upload_leaves_nothing_behind() {
    let world = World::embedded().await;
    let agent = world.person().await.agent().await;
    let announced = announce(&agent, "a", "text/plain", 3).await;
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

/// Syncs to the disk and writes to the table, in order.
static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn record_event(what: String) {
    EVENTS.lock().unwrap_or_else(PoisonError::into_inner).push(what);
}

/// Records each synced path, of all tests.
struct SyncRecorder;

impl Visit for SyncRecorder {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "path" {
            record_event(format!("synced {value:?}"));
        }
    }
}

impl Subscriber for SyncRecorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("placet_local::engines::s3::disk_sync")
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

/// Records each request to the table, then forwards it.
#[derive(Clone, Debug)]
struct RecordingClient(Arc<placet_local::engines::in_process::InProcess>);

impl HttpConnector for RecordingClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if let Some(target) = request.headers().get("x-amz-target") {
            record_event(format!("{target} {}", String::from_utf8_lossy(request.body().bytes().unwrap_or_default())));
        }
        self.0.call(request)
    }
}

impl HttpClient for RecordingClient {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Serves the same storage with its writes and syncs recorded; returns the URL.
async fn serve_recorded(world: &World) -> String {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(SyncRecorder).unwrap());
    let engines = RecordingClient(Arc::new(world.in_process().unwrap().clone()));
    let endpoints = Endpoints { in_process: Some(SharedHttpClient::new(engines)), ..world.endpoints.clone() };
    let (clock, waits) = (world.app.clock.clone(), world.app.long_polls.clone());
    let clients = Clients::at(&endpoints).await;
    let app = App::new(&clients, &world.table, world.bucket(), clock, waits, secrets());
    world.serve_also(placet_local::routes(), app).await
}

#[tokio::test]
async fn bytes_and_directories_are_synced_before_the_item_is_written() {
    let world = World::embedded().await;
    let agent = world.person().await.agent().await;
    let agent = Agent::new(&serve_recorded(&world).await, &agent.key, &agent.channel);
    let stored = agent.upload("store", "a", "text/plain", "abc").await.expect(201);
    let message = agent.send(json!({ "textAttachments": [{ "content": "abc" }] })).await.expect(201);
    for file in [&stored, &message["attachments"][0]] {
        let (id, key) = (file["id"].as_str().unwrap(), file["storageKey"].as_str().unwrap());
        let events = EVENTS.lock().unwrap().clone();
        let root = world.database().unwrap().parent().unwrap().join("s3");
        let object = root.join(world.bucket()).join(key);
        let at = |path: &Path| {
            let line = format!("synced {}", path.display());
            events.iter().position(|it| *it == line).unwrap_or_else(|| panic!("{} is not synced", path.display()))
        };
        let of_item = |it: &String| it.starts_with("DynamoDB_20120810.TransactWriteItems") && it.contains(id);
        let visible = events.iter().rposition(of_item).expect("the item is written");
        let bytes = at(&object);
        for directory in object.ancestors().skip(1).take_while(|it| it.starts_with(&root)) {
            let line = format!("synced {}", directory.display());
            assert!(events[bytes..visible].contains(&line), "{line} comes between the bytes and the item");
        }
        // Other tests of this process sync their files meanwhile.
        let own = format!("synced {}", root.display());
        let metadata = events[bytes..visible].iter().filter(|it| it.starts_with(&own) && it.ends_with(".json"));
        assert_eq!(metadata.count(), 2, "the files of the type and the checksum are synced, too");
    }
}
