//! What the embedded S3 keeps: of several uploads to one URL the first, and on the disk.

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
use shared::app::App;
use shared::storage::{Clients, Endpoints};
use test_support::{Agent, World, secret};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::embedded::files::bytes_of;
use crate::files::uploads::{announced, put};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_concurrent_uploads_to_one_url_one_succeeds() {
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
async fn a_refused_upload_leaves_nothing_behind() {
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

/// Notes each write to the table, then passes it on.
#[derive(Clone, Debug)]
struct Watched(Arc<placet_local::engines::in_process::InProcess>);

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
    world.serve_also(placet_local::routes(), app).await
}

#[tokio::test]
async fn bytes_and_directories_are_synced_before_the_item_is_written() {
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
