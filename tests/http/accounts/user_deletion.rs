//! `DELETE /api/users/{id}`: access ends first, then the user's data is deleted.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use serde_json::json;
use shared::ids::UserId;
use shared::models::account::Email;
use shared::storage::keys::{self, DueWork, Key};
use test_support::{Person, World};

use crate::accounts::users::{add_user, list_users, patch};

/// All items that contain one of `ulids`, except the records of deletions, which remain for late writes, and an owner's
/// log of what they did, which remains for seven days.
async fn remaining_items(world: &World, ulids: &[String]) -> Vec<String> {
    let scan = world.clients.dynamodb.scan().table_name(&world.table).consistent_read(true);
    let items = scan.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.unwrap();
    let is_kept = |text: &str| text.contains("\"REMOVAL\"") || text.contains("\"/api/users");
    let all = items.iter().map(|item| format!("{item:?}"));
    all.filter(|text| ulids.iter().any(|ulid| text.contains(ulid)) && !is_kept(text)).collect()
}

fn ulid(id: &str) -> String {
    id[4..].to_owned()
}

#[tokio::test]
async fn a_deleted_user_leaves_nothing_in_the_table() {
    // An isolated table, because the test reads all of it.
    let world = World::isolated().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "member").await;
    let id = member.user_id().await;
    let (agent, other) = (member.agent().await, member.agent().await);
    agent.store_file().await;
    agent.request_approval().await;
    other.create_message(json!({ "text": "x", "clientId": "c" })).await;
    member.post("/api/messages", json!({ "channelId": other.channel, "text": "x" })).await.expect(201);
    Person::signed_out(&world.url, &member.email, &member.password).sign_in().await.expect(200);
    crate::accounts::request_log::wait_for_log(&member, 3).await;
    world.app.store.inbox().bump_version(id.parse().unwrap()).await.unwrap();
    let ulids = [ulid(&id), ulid(&agent.channel), ulid(&other.channel)];
    assert!(remaining_items(&world, &ulids).await.len() > 10);
    owner.delete_fully(&format!("/api/users/{id}")).await.expect(200);
    assert_eq!(remaining_items(&world, &ulids).await, Vec::<String>::new());
    // A stream record that arrives late.
    world.app.store.inbox().bump_version(id.parse().unwrap()).await.unwrap();
    assert_eq!(remaining_items(&world, &ulids).await, Vec::<String>::new());
    // Other users are not affected.
    owner.get("/api/auth/me").await.expect(200);
}

#[tokio::test]
async fn an_interrupted_deletion_is_continued() {
    let world = World::start().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "member").await;
    let (agent, id) = (member.agent().await, member.user_id().await);
    let user: UserId = id.parse().unwrap();
    // The state after the first write of a deletion.
    let db = &world.clients.dynamodb;
    let mark = db.update_item().table_name(&world.table).set_key(Some(keys::user(user).attributes()));
    let mark = mark.update_expression("SET removing = :now");
    mark.expression_attribute_values(":now", AttributeValue::S("2026-01-31T09:30:00.000Z".into()))
        .send()
        .await
        .unwrap();
    let email = db.delete_item().table_name(&world.table);
    email.set_key(Some(keys::email(&Email::typed(&member.email)).attributes())).send().await.unwrap();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let Key { pk, sk } = keys::user_removal(user);
    let record = db.put_item().table_name(&world.table).item("pk", text(&pk));
    let record = record.item("sk", text(&sk)).item("startedAt", text("2026-01-31T09:30:00.000Z"));
    record.item("dueShard", text("DUE#0")).item("dueSort", text("2026")).send().await.unwrap();

    assert!(list_users(&owner).await.iter().any(|user| user["id"] == json!(id)));
    member.sign_in().await.expect_error(401, "wrong_credentials");
    for path in ["/api/auth/refresh", "/api/api-keys"] {
        member.post(path, json!({})).await.expect_error(401, "unauthorized");
    }
    member.post("/api/agents", json!({ "name": "late" })).await.expect_error(401, "unauthorized");
    // Sessions and keys are rejected although their items still exist.
    for path in ["/api/auth/me", "/api/agents", "/api/logs", "/api/preferences"] {
        member.get(path).await.expect_error(401, "unauthorized");
    }
    agent.get("/api/v1/agents").await.expect_error(401, "unauthorized");
    agent.send(json!({ "text": "late" })).await.expect_error(401, "unauthorized");
    patch(&owner, &id, json!({ "role": "owner" })).await.expect_error(404, "not_found");
    owner.delete_fully(&format!("/api/users/{id}")).await.expect(200);
    assert!(!list_users(&owner).await.iter().any(|user| user["id"] == json!(id)));
    agent.get("/api/v1/agents").await.expect_error(401, "unauthorized");
}

/// The user deletions in the `due` index.
async fn due_deletions(world: &World) -> Vec<Key> {
    let mut due = vec![];
    for shard in keys::due_shards() {
        let query = world.clients.dynamodb.query().table_name(&world.table).index_name(keys::DUE_INDEX.name);
        let query = query.key_condition_expression("dueShard = :shard");
        let query = query.expression_attribute_values(":shard", AttributeValue::S(shard));
        let items = query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.unwrap();
        let found = items.iter().map(|item| Key::of(item).unwrap());
        due.extend(found.filter(|key| matches!(DueWork::of(key.clone(), ""), DueWork::User(_))));
    }
    due
}

#[tokio::test]
async fn an_interrupted_deletion_is_finished_by_the_expiry_run() {
    let world = World::isolated().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "member").await;
    let id = member.user_id().await;
    let (agent, other) = (member.agent().await, member.agent().await);
    agent.store_file().await;
    other.store_file().await;
    let (user, store) = (id.parse().unwrap(), &world.app.store);
    let interrupted = store.accounts().delete_user(&owner.owner_caller().await, user, Duration::ZERO).await;
    assert_eq!(interrupted.unwrap_err().code(), "still_removing");
    agent.get("/api/v1/agents").await.expect_error(401, "unauthorized");
    member.get("/api/auth/me").await.expect_error(401, "unauthorized");
    assert_eq!(due_deletions(&world).await, [keys::user_removal(user)]);

    store.accounts().finish_user_deletion(user).await.unwrap();
    assert!(!list_users(&owner).await.iter().any(|user| user["id"] == json!(id)));
    let ulids = [ulid(&id), ulid(&agent.channel), ulid(&other.channel)];
    assert_eq!(remaining_items(&world, &ulids).await, Vec::<String>::new());
    // The deletion record remains until late writes are no longer possible.
    assert_eq!(due_deletions(&world).await.len(), 1);
    world.advance_clock(Duration::from_secs(2 * 3600));
    store.accounts().finish_user_deletion(user).await.unwrap();
    assert_eq!(due_deletions(&world).await, Vec::<Key>::new());
    store.accounts().finish_user_deletion(user).await.unwrap();
}

#[tokio::test]
async fn a_user_with_much_data_is_deleted_in_bounded_steps() {
    let world = World::start().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "member").await;
    let id = member.user_id().await;
    for _ in 0..3 {
        member.agent().await.store_file().await;
    }
    let (user, caller) = (id.parse().unwrap(), owner.owner_caller().await);
    let mut steps = 1;
    while let Err(err) = world.app.store.accounts().delete_user(&caller, user, Duration::ZERO).await {
        assert_eq!((err.code(), err.status().as_u16(), err.retry_after()), ("still_removing", 503, Some(1)));
        assert!(list_users(&owner).await.iter().any(|user| user["id"] == json!(id)));
        steps += 1;
    }
    // Each agent's objects and items take steps of their own.
    assert!(steps > 3 * 2, "{steps}");
    assert!(!list_users(&owner).await.iter().any(|user| user["id"] == json!(id)));
}

#[tokio::test]
async fn a_deleted_user_is_gone_with_all_their_data() {
    let world = World::start().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "member").await;
    let id = member.user_id().await;
    let (agent, other) = (member.agent().await, member.agent().await);
    let file = agent.store_file().await;
    let message = agent.request_approval().await;
    other.create_message(json!({ "text": "x" })).await;
    let path = format!("/api/users/{id}");
    assert_eq!(owner.delete_fully(&path).await.expect(200), json!({ "deleted": true }));

    member.get("/api/auth/me").await.expect_error(401, "unauthorized");
    member.post("/api/auth/refresh", json!({})).await.expect_error(401, "unauthorized");
    member.sign_in().await.expect_error(401, "wrong_credentials");
    for path in ["/api/v1/agents".to_owned(), format!("/api/v1/files/{file}/download")] {
        agent.get(&path).await.expect_error(401, "unauthorized");
    }
    assert!(!list_users(&owner).await.iter().any(|user| user["id"] == json!(id)));
    owner.delete(&path).await.expect_error(404, "not_found");
    patch(&owner, &id, json!({ "displayName": "x" })).await.expect_error(404, "not_found");
    // The address is free, and its next user finds no data.
    let new = json!({ "email": member.email, "displayName": "B", "password": "long enough" });
    owner.post("/api/users", new).await.expect(201);
    let next = Person::signed_out(&world.url, &member.email, "long enough");
    next.sign_in().await.expect(200);
    assert_eq!(next.get("/api/agents").await.expect(200), json!([]));
    next.answer(&message, json!({ "selectedOption": "approve" })).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn concurrent_deletions_delete_once() {
    let world = World::start().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "owner").await;
    member.agent().await.store_file().await;
    let path = format!("/api/users/{}", member.user_id().await);
    let replies = join_all((0..3).map(|_| owner.delete_fully(&path))).await;
    assert!(replies.iter().any(|reply| reply.status == 200));
    assert!(replies.iter().all(|reply| [200, 404].contains(&reply.status)));
    owner.delete(&path).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn keys_made_or_rotated_during_a_deletion_are_deleted_too() {
    let world = World::start().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "member").await;
    let agent = member.agent().await;
    let id = member.get("/api/api-keys").await.expect(200)[0]["id"].as_str().unwrap().to_owned();
    let (user, rotate) = (format!("/api/users/{}", member.user_id().await), format!("/api/api-keys/{id}/rotate"));
    let create_until_refused = |path: String| {
        let member = member.clone();
        async move {
            let mut keys = vec![];
            loop {
                let reply = member.post(&path, json!({})).await;
                match reply.json()["key"].as_str() {
                    Some(key) => keys.push(key.to_owned()),
                    None => return keys,
                }
            }
        }
    };
    let (deleted, created, rotated) = tokio::join!(
        owner.delete_fully(&user),
        create_until_refused("/api/api-keys".to_owned()),
        create_until_refused(rotate)
    );
    deleted.expect(200);
    for key in created.iter().chain(&rotated) {
        agent.with_key(key).get("/api/v1/agents").await.expect_error(401, "unauthorized");
    }
}
