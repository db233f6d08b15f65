//! Multipart uploads whose callers have gone leave no parts on the disk.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use placet_local::engines::{BUCKET, Engines};
use reqwest::Method;
use serde_json::json;
use shared::aws::Clients;
use tempfile::TempDir;
use test_support::{Reply, World};

use crate::files::direct_uploads::{announce, id, put};

/// The least that a part has.
const PART: usize = 5 * 1024 * 1024;

/// The names of the files that the engine has of unfinished uploads.
fn unfinished(objects: &Path) -> Vec<String> {
    let names = objects.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(".upload")).collect()
}

fn objects(world: &World) -> PathBuf {
    world.database().unwrap().parent().unwrap().join("s3")
}

async fn wait_until(what: &str, is_true: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_true() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Begins an upload of some parts; returns its id and the parts.
async fn upload(clients: &Clients, bucket: &str, key: &str, parts: i32) -> (String, CompletedMultipartUpload) {
    let create = clients.s3.create_multipart_upload().bucket(bucket).key(key).content_type("text/plain");
    let id = create.send().await.unwrap().upload_id.unwrap();
    let mut done = vec![];
    for number in 1..=parts {
        let part = clients.s3.upload_part().bucket(bucket).key(key).upload_id(&id).part_number(number);
        let tag = part.body(vec![7; PART].into()).send().await.unwrap().e_tag;
        done.push(CompletedPart::builder().part_number(number).set_e_tag(tag).build());
    }
    (id, CompletedMultipartUpload::builder().set_parts(Some(done)).build())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_that_nobody_waits_for_leaves_no_parts() {
    let world = World::embedded().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let mut ids = vec![];
    for name in ["a", "b", "c", "d", "e", "f"] {
        let announced = announce(&agent, name, "application/octet-stream", 2 * PART).await;
        put(&announced, vec![7; 2 * PART]).await.expect(200);
        ids.push(id(&announced).to_owned());
    }
    let objects = objects(&world);
    let request = person.request(Method::POST, "/api/files/bulk-download").json(&json!({ "ids": ids }));
    let download = tokio::spawn(Reply::fetch(request));
    wait_until("no part is uploaded", || unfinished(&objects).iter().any(|name| name.contains(".part-"))).await;
    assert!(!download.is_finished());
    download.abort();
    wait_until("parts are left over", || unfinished(&objects).is_empty()).await;
    let stored = world.clients.s3.list_objects_v2().bucket(world.bucket()).send().await.unwrap();
    assert_eq!(stored.contents().len(), ids.len(), "the archive was not completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_is_being_completed_is_completed() {
    let world = World::embedded().await;
    let (bucket, objects) = (world.bucket().to_owned(), objects(&world));
    let (id, parts) = upload(&world.clients, &bucket, "a", 8).await;
    let complete = world.clients.s3.complete_multipart_upload().bucket(&bucket).key("a").upload_id(&id);
    let completion = tokio::spawn(complete.multipart_upload(parts).send());
    let description = objects.join(format!(".upload-{id}.json"));
    wait_until("the completion does not begin", || !description.exists()).await;
    completion.abort();
    wait_until("parts are left over", || unfinished(&objects).is_empty()).await;
    wait_until("there is no object", || objects.join(&bucket).join("a").exists()).await;
    let head = world.clients.s3.head_object().bucket(&bucket).key("a").send().await.unwrap();
    assert_eq!(head.content_length(), Some(8 * PART as i64));
}

#[tokio::test]
async fn parts_of_an_earlier_process_are_deleted() {
    let dir = TempDir::new().unwrap();
    let objects = dir.path().join("s3");
    let engines = Engines::start(dir.path()).await.unwrap();
    let clients = Clients::at(&engines.endpoints).await;
    let object = clients.s3.put_object().bucket(BUCKET).key(".upload-a.json").content_type("text/plain");
    object.body(vec![1].into()).send().await.unwrap();
    upload(&clients, BUCKET, "b", 1).await;
    assert_eq!(unfinished(&objects).len(), 3, "a part, the upload and the headers of its object");
    engines.stop().await;

    let engines = Engines::start(dir.path()).await.unwrap();
    assert_eq!(unfinished(&objects), Vec::<String>::new());
    let clients = Clients::at(&engines.endpoints).await;
    let got = clients.s3.get_object().bucket(BUCKET).key(".upload-a.json").send().await.unwrap();
    assert_eq!(got.content_type(), Some("text/plain"));
    assert_eq!(got.body.collect().await.unwrap().to_vec(), [1]);
}
