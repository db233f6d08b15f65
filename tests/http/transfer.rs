//! `placet-transfer`: everything that a service stores, in a folder and in another service.

use std::fs;

use aws_sdk_dynamodb::types::AttributeValue;
use dynamo::version::VERSION;
use placet_transfer::{export, import};
use serde_json::{Value, json};
use shared::storage::copy::IMPORTED;
use shared::storage::{WebhookEvent, keys};
use test_support::World;

#[tokio::test]
async fn everything_moves_to_an_empty_service_and_works_there() {
    let (from, to) = (World::embedded().await, World::isolated().await);
    let person = from.person().await;
    let agent = person.agent().await;
    let (pending, answered) = (agent.request_approval().await, agent.request_approval().await);
    person.answer(&answered, json!({ "selectedOption": "approve" })).await.expect(201);
    let file = agent.store_file().await;
    crate::accounts::request_log::wait_for_log(&person, 3).await;
    let folder = tempfile::tempdir().unwrap();
    let exported = export(&from.app.store, &from.app.blobs, folder.path()).await.unwrap();
    assert!(exported.items >= 10 && exported.objects >= 1, "{exported:?}");
    // Both can be repeated.
    assert_eq!(export(&from.app.store, &from.app.blobs, folder.path()).await.unwrap(), exported);
    for _ in 0..2 {
        assert_eq!(import(&to.app.store, &to.app.blobs, folder.path(), "to").await.unwrap(), exported);
    }

    let (person, agent) = (person.at(&to.url), agent.at(&to.url));
    person.sign_in().await.expect(200);
    assert_eq!(agent.wait(&answered, 1000).await.expect(200)["status"], "completed");
    person.answer(&pending, json!({ "selectedOption": "reject" })).await.expect(201);
    assert_eq!(person.get(&format!("/api/files/{file}/download")).await.text(), "a note");
    assert_eq!(person.get("/api/logs").await.expect(200)["data"].as_array().map(Vec::is_empty), Some(false));
}

#[tokio::test]
async fn people_stay_notified_and_earlier_items_are_migrated() {
    let (from, to) = (World::embedded().await, World::isolated().await);
    let person = from.person().await;
    let agent = person.agent().await;
    let preferences = person.request(reqwest::Method::PATCH, "/api/preferences");
    let preferences = preferences.json(&json!({ "notifications": { "push": { "minRisk": "low" } } }));
    test_support::Reply::fetch(preferences).await.expect(200);
    let answered = agent.request_approval().await;
    person.answer(&answered, json!({ "selectedOption": "approve" })).await.expect(201);
    // As version 2 stored it.
    let message = keys::message(answered.parse().unwrap());
    let update = from.clients.dynamodb.update_item().table_name(&from.table).set_key(Some(message.attributes()));
    let update = update.update_expression("SET v = :v REMOVE dueShard, dueSort");
    update.expression_attribute_values(":v", AttributeValue::N("2".to_owned())).send().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    export(&from.app.store, &from.app.blobs, folder.path()).await.unwrap();
    let manifest = folder.path().join("manifest.json");
    let mut exported: Value = serde_json::from_str(&fs::read_to_string(&manifest).unwrap()).unwrap();
    exported["schemaVersion"] = json!(2);
    fs::write(&manifest, exported.to_string()).unwrap();
    // The new table had been migrated while it was empty.
    to.app.store.migrate(|_| ()).await.unwrap();
    import(&to.app.store, &to.app.blobs, folder.path(), "to").await.unwrap();
    // As if it had been interrupted while it migrated, behind all items.
    let update = to.clients.dynamodb.update_item().table_name(&to.table).set_key(Some(keys::schema().attributes()));
    let update = update.update_expression("SET migratingTo = :to, cursorPk = :last, cursorSk = :last");
    let update = update.expression_attribute_values(":to", AttributeValue::N(VERSION.to_string()));
    update.expression_attribute_values(":last", AttributeValue::S("~".to_owned())).send().await.unwrap();
    import(&to.app.store, &to.app.blobs, folder.path(), "to").await.unwrap();

    let user = person.user_id().await.parse().unwrap();
    let changes = to.items(keys::user_partition(user), keys::CHANGES).await;
    assert!(changes[0].contains_key("notifySince"), "{changes:?}");
    let person = person.at(&to.url);
    person.sign_in().await.expect(200);
    let history = person.get(&format!("/?tab=decided&agent={}", agent.channel)).await.text();
    assert!(history.contains(&answered), "{history}");
}

#[tokio::test]
async fn an_interrupted_export_continues_and_a_changed_one_is_refused() {
    let (from, to) = (World::embedded().await, World::isolated().await);
    let agent = from.person().await.agent().await;
    agent.store_file().await;
    agent.store_file().await;
    let folder = tempfile::tempdir().unwrap();
    let exported = export(&from.app.store, &from.app.blobs, folder.path()).await.unwrap();

    // As if it had stopped while it listed its last object.
    fs::remove_file(folder.path().join("manifest.json")).unwrap();
    let unfinished = import(&to.app.store, &to.app.blobs, folder.path(), "to").await.unwrap_err();
    assert!(unfinished.to_string().contains("no finished export"), "{unfinished}");
    let list = folder.path().join("objects.jsonl");
    let listed = fs::read_to_string(&list).unwrap();
    fs::write(&list, &listed[..listed.len() - 10]).unwrap();
    assert_eq!(export(&from.app.store, &from.app.blobs, folder.path()).await.unwrap(), exported);

    let page = folder.path().join("items/000000.jsonl");
    let items = fs::read_to_string(&page).unwrap();
    fs::write(&page, items.replacen("An agent", "A forger", 1)).unwrap();
    let changed = import(&to.app.store, &to.app.blobs, folder.path(), "to").await.unwrap_err();
    assert!(changed.to_string().contains("have changed since the export"), "{changed}");
    fs::write(&page, items).unwrap();

    to.person().await;
    let not_empty = import(&to.app.store, &to.app.blobs, folder.path(), "to").await.unwrap_err();
    assert!(not_empty.to_string().contains("has data already"), "{not_empty}");
}

#[tokio::test]
async fn the_arrival_of_a_copied_message_is_no_event() {
    let world = World::embedded().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let review = agent.request_approval().await;
    person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
    let items = world.app.store.copy_page(None).await.unwrap().items;
    let is_review = |item: &&Value| item["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("MESSAGE#"));
    let mut message = items.iter().find(is_review).unwrap().clone();
    let event = |item: &Value| WebhookEvent::of(None, Some(serde_json::from_value(item.clone()).unwrap())).unwrap();
    assert!(event(&message).is_some());
    message[IMPORTED] = json!({ "BOOL": true });
    assert!(event(&message).is_none());
}
