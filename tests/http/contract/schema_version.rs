//! The schema version of stored items: stamped at every write, checked at every read, raised by
//! migrations.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use dynamo::version::{ATTRIBUTE, VERSION};
use serde_json::json;
use shared::error::Error;
use shared::storage::keys;
use test_support::tenant::Tenant;
use test_support::{World, bulk_data, rng};

type Item = HashMap<String, AttributeValue>;

/// All items of the table, read without the service.
async fn scan(world: &World) -> Vec<Item> {
    let scan = world.clients.dynamodb.scan().table_name(&world.table).consistent_read(true);
    scan.into_paginator().items().send().collect::<Result<_, _>>().await.unwrap()
}

fn version(item: &Item) -> Option<u32> {
    item.get(ATTRIBUTE).map(|version| version.as_n().unwrap().parse().unwrap())
}

fn key(item: &Item) -> Item {
    ["pk", "sk"].into_iter().map(|name| (name.to_owned(), item[name].clone())).collect()
}

/// Gives an item another version, or none, without the service.
async fn set_version(world: &World, key: Item, version: Option<u32>) {
    let update = world.clients.dynamodb.update_item().table_name(&world.table).set_key(Some(key));
    let update = update.expression_attribute_names("#v", ATTRIBUTE);
    let update = match version {
        None => update.update_expression("REMOVE #v"),
        Some(version) => {
            let version = AttributeValue::N(version.to_string());
            update.update_expression("SET #v = :v").expression_attribute_values(":v", version)
        }
    };
    update.send().await.unwrap();
}

/// Makes the table one of before versions.
async fn remove_versions(world: &World) {
    for item in scan(world).await {
        set_version(world, key(&item), None).await;
    }
    let schema = world.clients.dynamodb.delete_item().table_name(&world.table);
    schema.set_key(Some(keys::schema().attributes())).send().await.unwrap();
}

/// The version that all items of the table have at least, by the table's own record.
async fn migrated_to(world: &World) -> u32 {
    let keys::Key { pk, sk } = keys::schema();
    world.items(pk, &sk).await[0]["migratedTo"].as_n().unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_item_is_stored_with_the_schema_version() {
    let world = World::isolated().await;
    Tenant::random(&world, &mut rng::from_env()).await;
    let items = scan(&world).await;
    assert!(items.len() > 20, "{}", items.len());
    for item in items {
        assert_eq!(version(&item), Some(VERSION), "{:?}", key(&item));
    }
}

#[tokio::test]
async fn an_item_of_a_newer_version_is_503_newer_data_and_others_are_read() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let [newer, other] = [agent.request_approval().await, agent.request_approval().await];
    set_version(&world, keys::message(newer.parse().unwrap()).attributes(), Some(VERSION + 1)).await;

    let refused = agent.get_in_channel(&format!("/api/v1/reviews/{newer}")).await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.expect_error(503, "newer_data");
    let answer = json!({ "selectedOption": "approve" });
    person.answer(&newer, answer.clone()).await.expect_error(503, "newer_data");
    agent.get_in_channel("/api/v1/messages").await.expect_error(503, "newer_data");
    person.answer(&other, answer).await.expect(201);
    agent.get_in_channel(&format!("/api/v1/reviews/{other}")).await.expect(200);

    set_version(&world, keys::message(newer.parse().unwrap()).attributes(), Some(VERSION)).await;
    assert_eq!(
        agent.get_in_channel(&format!("/api/v1/reviews/{newer}")).await.expect(200)["review"]["status"],
        "pending"
    );
}

#[tokio::test]
async fn a_table_of_a_newer_version_is_neither_claimed_nor_migrated() {
    let world = World::isolated().await;
    let store = &world.app.store;
    store.claim_schema().await.unwrap();
    let update = world.clients.dynamodb.update_item().table_name(&world.table);
    let update = update.set_key(Some(keys::schema().attributes())).update_expression("SET #version = :newer");
    let update = update.expression_attribute_names("#version", "version");
    let newer = AttributeValue::N((VERSION + 1).to_string());
    update.expression_attribute_values(":newer", newer).send().await.unwrap();
    assert!(matches!(store.claim_schema().await, Err(Error::NewerData { version }) if version == VERSION + 1));
    assert!(matches!(store.migrate(|_| {}).await, Err(Error::NewerData { .. })));
}

#[tokio::test]
async fn a_migration_is_resumed_where_it_was_interrupted_and_changes_each_item_once() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    let sent = agent.create_message(json!({ "text": "One of very many." })).await;
    bulk_data::copy_messages(&world, &[&sent], 1_200).await;
    remove_versions(&world).await;
    let before = scan(&world).await.len();

    let (store, (report, mut reported)) = (world.app.store.clone(), tokio::sync::mpsc::unbounded_channel());
    let interrupted = tokio::spawn(async move {
        store.migrate(|changed| report.send(changed).unwrap_or_default()).await.unwrap();
    });
    let first_pages = [reported.recv().await.unwrap(), reported.recv().await.unwrap()];
    interrupted.abort();
    let _ = interrupted.await;
    assert!(first_pages[0] > 0 && first_pages[1] < before);

    let store = &world.app.store;
    assert_eq!(migrated_to(&world).await, 0);
    let mut pages = 0;
    let rest = store.migrate(|_| pages += 1).await.unwrap();
    assert!(rest <= before - first_pages[0], "{rest} of {before}");
    assert_eq!(migrated_to(&world).await, VERSION);
    assert_eq!(store.migrate(|_| {}).await.unwrap(), 0);
    for item in scan(&world).await {
        assert_eq!(version(&item), Some(VERSION), "{:?}", key(&item));
    }
}

#[tokio::test]
async fn migrations_and_writes_at_the_same_time_lose_nothing() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let mut asked = vec![];
    for _ in 0..30 {
        asked.push(agent.request_approval().await);
    }
    remove_versions(&world).await;
    let store = &world.app.store;
    let answers = async {
        for id in &asked {
            person.answer(id, json!({ "selectedOption": "approve" })).await.expect(201);
        }
    };
    let (first, second, ()) = tokio::join!(store.migrate(|_| {}), store.migrate(|_| {}), answers);
    first.unwrap();
    second.unwrap();
    for id in &asked {
        let review = agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200);
        assert_eq!(review["review"]["status"], "completed");
    }
    assert!(scan(&world).await.iter().all(|item| version(item) == Some(VERSION)));
}
