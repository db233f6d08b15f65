//! `/api/users`: owners create, change and delete users

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use shared::{hex, random};
use test_support::fault_injection::{Fault, FaultyService};
use test_support::{Person, Reply, World};

pub async fn patch(person: &Person, id: &str, body: Value) -> Reply {
    Reply::fetch(person.request(Method::PATCH, &format!("/api/users/{id}")).json(&body)).await
}

fn fresh_email() -> String {
    test_support::random_email()
}

/// Adds a user as `owner` and signs them in.
pub async fn add_user(world: &World, owner: &Person, role: &str) -> Person {
    let (email, password) = (fresh_email(), hex::encode(&random::bytes::<8>()));
    let new = json!({ "email": email, "displayName": "Somebody", "password": password, "role": role });
    owner.post("/api/users", new).await.expect(201);
    let person = Person::signed_out(&world.url, &email, &password);
    person.sign_in().await.expect(200);
    person
}

/// The users that `owner` lists.
pub async fn list_users(owner: &Person) -> Vec<Value> {
    owner.get("/api/users").await.expect(200).as_array().unwrap().clone()
}

#[tokio::test]
async fn a_new_user_gets_a_temporary_password_and_must_change_it() {
    let world = World::start().await;
    let owner = world.person().await;
    let email = fresh_email();
    let new = json!({ "email": format!("  {} ", email.to_uppercase()), "displayName": " Ben 💥 " });
    let created = owner.post("/api/users", new).await.expect(201);
    let password = created["temporaryPassword"].as_str().unwrap().to_owned();
    assert!(password.len() >= 16);
    insta::assert_json_snapshot!(created, {
        ".id" => "[id]", ".email" => "[email]", ".createdAt" => "[time]", ".temporaryPassword" => "[password]",
    }, @r#"
    {
      "createdAt": "[time]",
      "displayName": "Ben 💥",
      "email": "[email]",
      "id": "[id]",
      "mustChangePassword": true,
      "role": "member",
      "temporaryPassword": "[password]"
    }
    "#);
    let users = list_users(&owner).await;
    let found = users.iter().find(|user| user["id"] == created["id"]).unwrap();
    assert_eq!((&found["email"], found.get("temporaryPassword")), (&json!(email), None));

    let ben = Person::signed_out(&world.url, &email, &password);
    assert_eq!(ben.sign_in().await.expect(200)["user"]["mustChangePassword"], true);
    let change = json!({ "currentPassword": password, "newPassword": "my very own" });
    ben.post("/api/auth/change-password", change).await.expect(200);
    assert_eq!(ben.get("/api/auth/me").await.expect(200)["user"]["mustChangePassword"], false);
}

#[tokio::test]
async fn a_given_password_is_not_shown() {
    let world = World::start().await;
    let owner = world.person().await;
    let new = json!({ "email": fresh_email(), "displayName": "B", "password": "given by hand", "role": "owner" });
    let created = owner.post("/api/users", new).await;
    assert!(!created.text().contains("given by hand"));
    let created = created.expect(201);
    assert_eq!((&created["temporaryPassword"], &created["role"]), (&json!(null), &json!("owner")));
}

#[tokio::test]
async fn an_address_has_one_account() {
    let world = World::start().await;
    let owner = world.person().await;
    let email = fresh_email();
    let requests = (0..6).map(|n| {
        let email = if n % 2 == 0 { email.clone() } else { email.to_uppercase() };
        owner.post("/api/users", json!({ "email": email, "displayName": "B" }))
    });
    let replies = join_all(requests).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    for taken in replies.iter().filter(|reply| reply.status != 201) {
        taken.expect_error(409, "email_taken");
    }
    assert_eq!(list_users(&owner).await.iter().filter(|user| user["email"] == json!(email)).count(), 1);
}

#[tokio::test]
async fn only_owners_manage_users() {
    let world = World::start().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "member").await;
    let id = member.user_id().await;
    let new = json!({ "email": fresh_email(), "displayName": "B" });
    member.get("/api/users").await.expect_error(403, "owner_only");
    member.post("/api/users", new.clone()).await.expect_error(403, "owner_only");
    patch(&member, &id, json!({ "role": "owner" })).await.expect_error(403, "owner_only");
    patch(&member, "unknown", json!({})).await.expect_error(403, "owner_only");
    member.delete(&format!("/api/users/{id}")).await.expect_error(403, "owner_only");
    let visitor = Person::signed_out(&world.url, "", "");
    visitor.get("/api/users").await.expect_error(401, "unauthorized");
    visitor.post("/api/users", json!({ "email": 1 })).await.expect_error(401, "unauthorized");
    patch(&visitor, &id, json!({ "role": 7 })).await.expect_error(401, "unauthorized");
    visitor.delete(&format!("/api/users/{id}")).await.expect_error(401, "unauthorized");
    let agent = owner.agent().await;
    agent.get("/api/users").await.expect_error(401, "unauthorized");
    assert_eq!(member.get("/api/auth/me").await.expect(200)["user"]["role"], "member");
}

#[tokio::test]
async fn an_owner_sees_nothing_of_a_members() {
    let world = World::start().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "member").await;
    let agent = member.agent().await;
    let message = agent.request_approval().await;
    assert_eq!(owner.get("/api/agents").await.expect(200), json!([]));
    owner.get(&format!("/api/messages?channel={}", agent.channel)).await.expect_error(403, "not_your_agent");
    owner.answer(&message, json!({ "selectedOption": "approve" })).await.expect_error(404, "not_found");
    // Only what the owner did is in the owner's log.
    let (log, id) = (crate::accounts::request_log::wait_for_log(&owner, 2).await, owner.user_id().await);
    assert!(log.iter().all(|entry| entry["userId"] == id.as_str()), "{log:?}");
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let world = World::start().await;
    let owner = world.person().await;
    let new = json!({ "email": "no address", "displayName": " ", "password": "1234567", "role": "king" });
    let fields = ["email", "displayName", "password", "role"];
    assert_eq!(owner.post("/api/users", new.clone()).await.expect_invalid(), fields);
    assert_eq!(owner.post("/api/users", json!({})).await.expect_invalid(), ["email", "displayName"]);
    let mut errors = patch(&owner, &owner.user_id().await, new).await.expect_invalid();
    errors.sort();
    assert_eq!(errors, ["displayName", "email", "password", "role"]);
    let odd = json!({ "email": fresh_email(), "displayName": "a\u{0}\u{202e}\u{fffd}💥".repeat(20) });
    owner.post("/api/users", odd).await.expect(201);
    let nul = json!({ "email": "a\u{0}b@people.example", "displayName": "B" });
    assert_eq!(owner.post("/api/users", nul).await.expect_invalid(), ["email"]);
}

#[tokio::test]
async fn a_user_is_changed_field_by_field() {
    let world = World::start().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "member").await;
    let id = member.user_id().await;
    let before = member.get("/api/auth/me").await.expect(200)["user"].clone();
    assert_eq!(patch(&owner, &id, json!({ "displayName": null })).await.expect(200), before);
    let renamed = patch(&owner, &id, json!({ "displayName": "Another" })).await.expect(200);
    assert_eq!((&renamed["displayName"], &renamed["role"]), (&json!("Another"), &json!("member")));
    assert_eq!(patch(&owner, &id, json!({ "role": "owner" })).await.expect(200)["role"], "owner");
    member.get("/api/users").await.expect(200);
    assert_eq!(patch(&owner, &id, json!({ "role": "member" })).await.expect(200)["role"], "member");
    member.get("/api/users").await.expect_error(403, "owner_only");
    for unknown in ["usr_01KB0000000000000000000000", "x", "%00"] {
        patch(&owner, unknown, json!({ "displayName": "x" })).await.expect_error(404, "not_found");
    }
}

#[tokio::test]
async fn an_email_change_keeps_the_password() {
    let world = World::start().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "member").await;
    let id = member.user_id().await;
    let email = fresh_email();
    patch(&owner, &id, json!({ "email": owner.email.to_uppercase() })).await.expect_error(409, "email_taken");
    let moved = patch(&owner, &id, json!({ "email": email.to_uppercase() })).await.expect(200);
    assert_eq!(moved["email"], json!(email));
    assert_eq!(member.get("/api/auth/me").await.expect(200)["user"]["email"], json!(email));
    member.sign_in().await.expect_error(401, "wrong_credentials");
    Person::signed_out(&world.url, &email, &member.password).sign_in().await.expect(200);
    // The old address is free.
    owner.post("/api/users", json!({ "email": member.email, "displayName": "B" })).await.expect(201);
    // Of two users who want the same address, one gets it.
    let other = add_user(&world, &owner, "member").await;
    let (other, wanted) = (other.user_id().await, fresh_email());
    let body = json!({ "email": wanted });
    let (one, two) = tokio::join!(patch(&owner, &id, body.clone()), patch(&owner, &other, body.clone()));
    let mut statuses = [one.status, two.status];
    statuses.sort();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn a_reset_password_ends_the_users_sessions() {
    let world = World::start().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "member").await;
    let agent = member.agent().await;
    let id = member.user_id().await;
    let change = json!({ "currentPassword": member.password, "newPassword": "my very own" });
    member.post("/api/auth/change-password", change).await.expect(200);
    let both = json!({ "password": "reset by hand", "email": fresh_email() });
    let reset = patch(&owner, &id, both.clone()).await;
    assert!(!reset.text().contains("reset by hand"));
    assert_eq!(reset.expect(200)["mustChangePassword"], true);
    member.get("/api/auth/me").await.expect_error(401, "unauthorized");
    agent.get("/api/v1/agents").await.expect(200);
    let email = both["email"].as_str().unwrap();
    Person::signed_out(&world.url, email, "my very own").sign_in().await.expect_error(401, "wrong_credentials");
    let back = Person::signed_out(&world.url, email, "reset by hand");
    back.sign_in().await.expect(200);
    patch(&owner, &id, json!({ "password": "once again" })).await.expect(200);
    back.get("/api/auth/me").await.expect_error(401, "unauthorized");
    Person::signed_out(&world.url, email, "once again").sign_in().await.expect(200);
}

#[tokio::test]
async fn a_password_is_not_reset_before_the_users_sessions_have_ended() {
    let world = World::start().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "member").await;
    let id = member.user_id().await;
    let service = FaultyService::serve(&world, 1).await;
    // The sessions cannot be listed.
    service.dynamodb.set_fault(Some(("dynamodb_20120810.query", Fault::Error)));
    let reset = json!({ "password": "reset by hand" });
    patch(&owner.at(&service.url), &id, reset.clone()).await.expect_error(503, "storage_unavailable");
    member.get("/api/auth/me").await.expect(200);
    Person::signed_out(&world.url, &member.email, &member.password).sign_in().await.expect(200);
    service.clear_fault();
    patch(&owner.at(&service.url), &id, reset).await.expect(200);
    member.get("/api/auth/me").await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn the_last_owner_stays() {
    // An isolated world: owners of other tests would count on a shared table.
    let world = World::isolated().await;
    let owner = world.person().await;
    let id = owner.user_id().await;
    add_user(&world, &owner, "member").await;
    patch(&owner, &id, json!({ "role": "member" })).await.expect_error(409, "last_owner");
    owner.delete(&format!("/api/users/{id}")).await.expect_error(403, "own_account");
    patch(&owner, &id, json!({ "displayName": "Still an owner" })).await.expect(200);
    let second = add_user(&world, &owner, "owner").await;
    patch(&owner, &id, json!({ "role": "member" })).await.expect(200);
    let path = format!("/api/users/{}", second.user_id().await);
    owner.delete(&path).await.expect_error(403, "owner_only");
    patch(&second, &id, json!({ "role": "owner" })).await.expect(200);
    second.delete(&path).await.expect_error(403, "own_account");
    owner.delete_fully(&path).await.expect(200);
    second.get("/api/auth/me").await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn of_all_owners_leaving_concurrently_one_stays() {
    let world = World::isolated().await;
    let owner = world.person().await;
    let mut ids = vec![owner.user_id().await];
    for role in ["owner", "owner", "owner"] {
        ids.push(add_user(&world, &owner, role).await.user_id().await);
    }
    let leave = |(index, id): (usize, &String)| {
        let (owner, id) = (owner.clone(), id.clone());
        async move {
            match index % 2 {
                0 => patch(&owner, &id, json!({ "role": "member" })).await,
                _ => owner.delete_fully(&format!("/api/users/{id}")).await,
            }
        }
    };
    let replies = join_all(ids.iter().enumerate().map(leave)).await;
    // Once the acting owner is a member, further calls are refused.
    assert!(replies.iter().all(|reply| [200, 403, 409].contains(&reply.status)));
    let last = world.person().await; // one more owner, who reads the list
    let owners = list_users(&last).await.iter().filter(|user| user["role"] == "owner").count() - 1;
    assert!(owners >= 1, "{owners}");
}

#[tokio::test]
async fn what_it_costs() {
    let world = World::start().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "member").await;
    let id = member.user_id().await;
    let new = json!({ "email": fresh_email(), "displayName": "B" });
    assert_eq!(owner.post("/api/users", new).await.calls_and_round_trips(), (2, 2));
    assert_eq!(patch(&owner, &id, json!({ "displayName": "C" })).await.calls_and_round_trips(), (2, 2));
    assert_eq!(patch(&owner, &id, json!({ "role": "owner" })).await.calls_and_round_trips(), (2, 2));
    // One more call moves the password to the new address.
    assert_eq!(patch(&owner, &id, json!({ "email": fresh_email() })).await.calls_and_round_trips(), (3, 3));
    let list = World::isolated().await.person().await.get("/api/users").await;
    assert_eq!(list.calls_and_round_trips(), (2, 1));
}
