//! Uploads that a kill of `placet-local` interrupts: their bytes are referenced or deleted.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use placet_local::engines::{Engines, TABLE};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use shared::aws::Clients;
use shared::clock::Clock;
use shared::config::MAX_WAIT;
use shared::ids::AgentId;
use shared::long_poll::LongPolls;
use shared::storage::keys::{CLEANUPS, FILES, Prefix, StorageKey, channel_partition};
use tempfile::TempDir;
use test_support::rng;
use test_support::{Agent, Reply, Runner, secrets};
use tokio::sync::watch;

/// How many times the runner is killed.
const KILLS: usize = 4;
/// How many clients upload at a time.
const UPLOADERS: usize = 4;

/// Uploads until the service is gone; returns how many files were acknowledged.
async fn upload_until_killed(agent: Agent, number: usize) -> usize {
    let mut stored = 0;
    loop {
        let request = if number.is_multiple_of(2) {
            let file = Part::bytes(vec![7; 20_000]).file_name("a").mime_str("image/png").unwrap();
            let form = Form::new().part("file", file).text("channelId", agent.channel.clone());
            agent.request(Method::POST, "/api/v1/files/store").multipart(form)
        } else {
            let texts = json!([{ "content": "x" }, { "content": "y" }]);
            let body = json!({ "channelId": agent.channel, "textAttachments": texts });
            agent.request(Method::POST, "/api/v1/messages").json(&body)
        };
        match Reply::try_fetch(request).await {
            Some(reply) if reply.status == 201 => stored += if number.is_multiple_of(2) { 1 } else { 2 },
            Some(reply) => panic!("{}", reply.text()),
            None => return stored,
        }
    }
}

/// A channel's keys of objects, keys that items reference, and number of cleanup records.
async fn stored_objects(engines: &Engines, channel: AgentId) -> (BTreeSet<String>, BTreeSet<String>, usize) {
    let clients = Clients::at(&engines.endpoints).await;
    // The bucket has the table's name.
    let list = clients.s3.list_objects_v2().bucket(TABLE).prefix(Prefix::Uploads(channel).to_string());
    let found = list.into_paginator().send().collect::<Result<Vec<_>, _>>().await.unwrap();
    let objects = found.into_iter().flat_map(|page| page.contents.unwrap_or_default());
    let objects = objects.filter_map(|object| object.key).collect();
    let items = async |prefix: &str| {
        let query = clients.dynamodb.query().table_name(TABLE).consistent_read(true);
        let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :sk)");
        let query = query.expression_attribute_values(":pk", AttributeValue::S(channel_partition(channel)));
        let query = query.expression_attribute_values(":sk", AttributeValue::S(prefix.to_owned()));
        query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.unwrap()
    };
    let files = items(FILES).await;
    let referenced =
        files.iter().map(|item| StorageKey::Upload(item["id"].as_s().unwrap().parse().unwrap()).to_string());
    (objects, referenced.collect(), items(CLEANUPS).await.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stderr, reason = "the counts are for the developer")]
async fn bytes_of_interrupted_uploads_are_referenced_or_deleted() {
    let dir = TempDir::new().unwrap();
    let (mut random, mut acknowledged, began) = (rng::from_env(), 0, Instant::now());
    let mut channel = None;
    for _ in 0..KILLS {
        let mut runner = Runner::start(dir.path()).await;
        let agent = runner.agent();
        channel = Some(agent.channel.parse::<AgentId>().unwrap());
        let uploaders: Vec<_> =
            (0..UPLOADERS).map(|number| tokio::spawn(upload_until_killed(agent.clone(), number))).collect();
        // The kill comes at a random point of an upload.
        tokio::time::sleep(Duration::from_micros(300_000 + random.usize(..300_000) as u64)).await;
        runner.kill().await;
        for uploader in uploaders {
            acknowledged += uploader.await.unwrap();
        }
    }
    let (engines, channel) = (Engines::start(dir.path()).await.unwrap(), channel.unwrap());
    let (_open, closing) = watch::channel(false);
    let app = engines.app(Clock::adjustable(), LongPolls::new(MAX_WAIT, closing), secrets()).await.unwrap();
    let (objects, referenced, cleanup_records) = stored_objects(&engines, channel).await;
    assert!(referenced.is_subset(&objects), "a file has no bytes");
    assert!(referenced.len() >= acknowledged, "{acknowledged} files acknowledged, {} stored", referenced.len());
    let unreferenced = objects.len() - referenced.len();

    app.clock.advance(Duration::from_secs(3 * 3600));
    expiry::handle(&app).await.unwrap();
    let (left, still_referenced, records_left) = stored_objects(&engines, channel).await;
    assert_eq!((&left, records_left), (&referenced, 0), "every remaining object has its item");
    assert_eq!(still_referenced, referenced);
    eprintln!(
        "{KILLS} kills: {acknowledged} files acknowledged, {} stored; {unreferenced} unreferenced objects deleted by \
         {cleanup_records} cleanup records; {:?}",
        referenced.len(),
        began.elapsed()
    );
}
