//! Answers to password fields: they reach the agent that asked, and nobody else reads them anywhere.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use shared::ids::MessageId;
use shared::queue::Reference;
use shared::storage::keys::Key;
use test_support::{Agent, Person, World};

use crate::support::delivery_driver::{DeliveryDriver, set_agent_webhook};
use crate::support::receiver::{Receiver, ResponsePlan};

const SECRET: &str = "S3CRET \"quoted\" \\ & <pin> 🔑";

/// The review of a form with one password field, under this type.
fn asking(kind: &str) -> Value {
    let fields = json!([{ "name": "pin", "type": "password" }, { "name": "who", "type": "text" }]);
    json!({ "text": "Sign in for me", "review": { "type": kind, "payload": { "fields": fields } } })
}

/// How a secret may stand in JSON, in JSON inside of JSON, and in HTML: its letters alone tell.
fn is_in(text: &str) -> bool {
    text.contains("S3CRET") || text.contains("quoted")
}

/// All that a person can read of a channel.
async fn all_pages(person: &Person, agent: &Agent, message: &str) -> Vec<(String, String)> {
    let channel = &agent.channel;
    let paths = [
        "/".to_owned(),
        "/?tab=completed".to_owned(),
        format!("/reviews/{message}"),
        format!("/channels/{channel}"),
        format!("/status/{channel}"),
        "/logs".to_owned(),
        "/api/logs?limit=100".to_owned(),
        format!("/api/messages?channel={channel}"),
        format!("/api/messages/{message}"),
        format!("/api/messages/{message}/iterations?channel={channel}"),
        "/api/messages/reviews?status=all".to_owned(),
        "/api/agents/stats".to_owned(),
    ];
    let mut read = vec![];
    for path in paths {
        let reply = person.get(&path).await;
        assert_eq!(reply.status, 200, "{path}");
        read.push((path, reply.text()));
    }
    read
}

async fn outbound(person: &Person) -> Vec<Value> {
    let log = person.get("/api/logs?limit=100").await.expect(200);
    log["data"].as_array().unwrap().iter().filter(|row| row["direction"] == "outbound").cloned().collect()
}

#[tokio::test]
async fn a_password_reaches_the_agent_and_no_page_log_or_list() {
    for kind in ["form", "freeform", "a-plugins-own"] {
        let world = World::isolated().await;
        let echo = json!({ "you said": { "deep": [SECRET] }, "plain": format!("pin={SECRET}") }).to_string();
        let answers = [ResponsePlan::with(500, "", &echo), ResponsePlan::with(200, "", &format!("OK {SECRET}"))];
        let (driver, receiver) = (DeliveryDriver::start(&world).await, Receiver::start(answers).await);
        let person = world.person().await;
        let agent = person.agent().await;
        set_agent_webhook(&world, &agent.channel, &receiver.url).await;
        let asked = agent.create_message(asking(kind)).await;
        let answered = person.answer(&asked, json!({ "pin": SECRET, "who": "me" })).await.expect(201);
        assert_eq!(answered["review"]["response"], json!({ "pin": "***REDACTED***", "who": "me" }), "{kind}");
        let revision = json!({ "text": "Once more", "iterationOf": asked, "review": { "type": "approval" } });
        agent.create_message(revision).await;

        let message = driver.next_delivery().await;
        assert!(!driver.deliver(&message).await);
        world.advance_clock(std::time::Duration::from_secs(6));
        assert!(driver.deliver(&message).await);
        let received = receiver.wait_for(2).await;
        assert!(received.iter().all(|it| it.json()["response"]["pin"] == SECRET), "{kind}");
        assert_eq!(agent.wait(&asked, 1).await.expect(200)["message"]["review"]["response"]["pin"], SECRET);
        agent.get_in_channel(&format!("/api/v1/reviews/{asked}")).await.expect(200);
        agent.get_in_channel(&format!("/api/v1/iterations/{asked}")).await;
        crate::accounts::request_log::log_of(&person, 6).await;
        for (path, text) in all_pages(&person, &agent, &asked).await {
            assert!(!is_in(&text), "{kind}: {path}: {text}");
        }
        let rows = outbound(&person).await;
        let statuses: Vec<_> = rows.iter().map(|row| row["statusCode"].clone()).collect();
        assert_eq!(statuses, [200, 500], "{kind}");
        assert!(rows.iter().all(|row| row["requestBody"].as_str().unwrap().contains("review:responded")), "{rows:?}");
    }
}

#[tokio::test]
async fn answers_without_passwords_stay_in_the_delivery_log() {
    let world = World::isolated().await;
    let heard = [ResponsePlan::with(200, "", r#"{"heard":"well"}"#)];
    let (driver, receiver) = (DeliveryDriver::start(&world).await, Receiver::start(heard).await);
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    let fields = json!([{ "name": "who", "type": "text" }]);
    let asked = agent.create_message(json!({ "review": { "type": "form", "payload": { "fields": fields } } })).await;
    person.answer(&asked, json!({ "who": "somebody" })).await.expect(201);
    assert!(driver.deliver(&driver.next_delivery().await).await);
    let row = outbound(&person).await.remove(0);
    assert!(row["requestBody"].as_str().unwrap().contains("somebody"), "{row}");
    assert!(row["responseBody"].as_str().unwrap().contains("well"), "{row}");
}

#[tokio::test]
async fn a_delivery_stored_by_an_earlier_version_is_treated_as_secret() {
    let world = World::isolated().await;
    let (driver, receiver) = (
        DeliveryDriver::start(&world).await,
        Receiver::start([ResponsePlan::with(200, "", &format!("\"{SECRET}\""))]).await,
    );
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    let asked = agent.create_message(asking("form")).await;
    person.answer(&asked, json!({ "pin": SECRET })).await.expect(201);
    let message = driver.next_delivery().await;
    let reference: Reference = serde_json::from_str(message.body.as_deref().unwrap()).unwrap();
    let key = Key::delivery(reference.message_id.channel(), &reference.webhook_id);
    let update = world.clients.dynamodb.update_item().table_name(&world.table).set_key(Some(key.attributes()));
    update.update_expression("REMOVE hasSecrets").send().await.unwrap();
    assert!(driver.deliver(&message).await);
    assert_eq!(receiver.wait_for(1).await[0].json()["response"]["pin"], SECRET);
    assert!(!is_in(&Value::from(outbound(&person).await).to_string()));
}

#[tokio::test]
async fn a_password_does_not_come_back_with_a_refused_form() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let fields = json!([
        { "name": "pin", "type": "password" }, { "name": "who", "type": "text" }, { "name": "mail", "type": "email" },
    ]);
    let asked = agent.create_message(json!({ "review": { "type": "form", "payload": { "fields": fields } } })).await;
    let typed = [("field.pin", SECRET), ("field.who", "somebody"), ("field.mail", "no address")];
    let refused = person.submit_form(&format!("/reviews/{asked}"), &typed).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("somebody") && !is_in(&refused.text()), "{}", refused.text());
}

#[tokio::test]
async fn passwords_are_found_in_payloads_an_earlier_version_accepted() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let asked = agent.create_message(asking("form")).await;
    person.answer(&asked, json!({ "pin": SECRET })).await.expect(201);
    // A field of a type that this version does not know.
    let payload = json!({ "fields": [{ "name": "pin", "type": "password" }, { "name": "x", "type": "hologram" }] });
    let update = world.clients.dynamodb.update_item().table_name(&world.table);
    let update = update.set_key(Some(Key::message(asked.parse::<MessageId>().unwrap()).attributes()));
    let update = update.update_expression("SET review.payload = :payload");
    update.expression_attribute_values(":payload", AttributeValue::S(payload.to_string())).send().await.unwrap();
    for (path, text) in all_pages(&person, &agent, &asked).await {
        assert!(!is_in(&text), "{path}: {text}");
    }
}
