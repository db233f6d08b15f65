//! Answers to password fields: they reach the asking agent, and no page, log or list shows them.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use shared::ids::MessageId;
use shared::queue::Reference;
use shared::storage::keys;
use test_support::{Agent, Person, World};

use crate::support::delivery_driver::{DeliveryDriver, set_agent_webhook};
use crate::support::receiver::{Receiver, ResponsePlan};

const SECRET: &str = "S3CRET \"quoted\" \\ & <pin> 🔑";

/// A message whose review has a form payload with one password field, and this type.
fn password_review(kind: &str) -> Value {
    let fields = json!([{ "name": "pin", "type": "password" }, { "name": "who", "type": "text" }]);
    json!({ "text": "Sign in for me", "review": { "type": kind, "payload": { "fields": fields } } })
}

/// Whether a text has the secret. Only its letters are compared, because JSON and HTML escape the
/// rest differently.
fn has_secret(text: &str) -> bool {
    text.contains("S3CRET") || text.contains("quoted")
}

/// Every page and response about a channel that a person can read.
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
    let mut pages = vec![];
    for path in paths {
        let reply = person.get(&path).await;
        assert_eq!(reply.status, 200, "{path}");
        pages.push((path, reply.text()));
    }
    pages
}

async fn outbound_log(person: &Person) -> Vec<Value> {
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
        let review = agent.create_message(password_review(kind)).await;
        let answered = person.answer(&review, json!({ "pin": SECRET, "who": "me" })).await.expect(201);
        assert_eq!(answered["review"]["response"], json!({ "pin": "***REDACTED***", "who": "me" }), "{kind}");
        let revision = json!({ "text": "Once more", "iterationOf": review, "review": { "type": "approval" } });
        agent.create_message(revision).await;

        let message = driver.next_delivery().await;
        assert!(!driver.deliver(&message).await);
        world.advance_clock(std::time::Duration::from_secs(6));
        assert!(driver.deliver(&message).await);
        let received = receiver.wait_for(2).await;
        assert!(received.iter().all(|it| it.json()["response"]["pin"] == SECRET), "{kind}");
        assert_eq!(agent.wait(&review, 1).await.expect(200)["message"]["review"]["response"]["pin"], SECRET);
        agent.get_in_channel(&format!("/api/v1/reviews/{review}")).await.expect(200);
        agent.get_in_channel(&format!("/api/v1/iterations/{review}")).await;
        crate::accounts::request_log::wait_for_log(&person, 6).await;
        for (path, text) in all_pages(&person, &agent, &review).await {
            assert!(!has_secret(&text), "{kind}: {path}: {text}");
        }
        let rows = outbound_log(&person).await;
        let statuses: Vec<_> = rows.iter().map(|row| row["statusCode"].clone()).collect();
        assert_eq!(statuses, [200, 500], "{kind}");
        assert!(rows.iter().all(|row| row["requestBody"].as_str().unwrap().contains("review:responded")), "{rows:?}");
    }
}

#[tokio::test]
async fn answers_without_passwords_stay_in_the_delivery_log() {
    let world = World::isolated().await;
    let responses = [ResponsePlan::with(200, "", r#"{"receipt":"well"}"#)];
    let (driver, receiver) = (DeliveryDriver::start(&world).await, Receiver::start(responses).await);
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    let fields = json!([{ "name": "who", "type": "text" }]);
    let review = agent.create_message(json!({ "review": { "type": "form", "payload": { "fields": fields } } })).await;
    person.answer(&review, json!({ "who": "somebody" })).await.expect(201);
    assert!(driver.deliver(&driver.next_delivery().await).await);
    let row = outbound_log(&person).await.remove(0);
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
    let review = agent.create_message(password_review("form")).await;
    person.answer(&review, json!({ "pin": SECRET })).await.expect(201);
    let message = driver.next_delivery().await;
    let reference: Reference = serde_json::from_str(message.body.as_deref().unwrap()).unwrap();
    let key = keys::delivery(reference.message_id.channel(), &reference.webhook_id);
    let update = world.clients.dynamodb.update_item().table_name(&world.table).set_key(Some(key.attributes()));
    update.update_expression("REMOVE hasSecrets").send().await.unwrap();
    assert!(driver.deliver(&message).await);
    assert_eq!(receiver.wait_for(1).await[0].json()["response"]["pin"], SECRET);
    assert!(!has_secret(&Value::from(outbound_log(&person).await).to_string()));
}

#[tokio::test]
async fn a_password_does_not_come_back_with_a_refused_form() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let fields = json!([
        { "name": "pin", "type": "password" }, { "name": "who", "type": "text" }, { "name": "mail", "type": "email" },
    ]);
    let review = agent.create_message(json!({ "review": { "type": "form", "payload": { "fields": fields } } })).await;
    let typed = [("field.pin", SECRET), ("field.who", "somebody"), ("field.mail", "no address")];
    let refused = person.submit_form(&format!("/reviews/{review}"), &typed).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("somebody") && !has_secret(&refused.text()), "{}", refused.text());
}

#[tokio::test]
async fn passwords_are_found_in_payloads_an_earlier_version_accepted() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let review = agent.create_message(password_review("form")).await;
    person.answer(&review, json!({ "pin": SECRET })).await.expect(201);
    // This version does not know the second field's type.
    let payload = json!({ "fields": [{ "name": "pin", "type": "password" }, { "name": "x", "type": "hologram" }] });
    let update = world.clients.dynamodb.update_item().table_name(&world.table);
    let update = update.set_key(Some(keys::message(review.parse::<MessageId>().unwrap()).attributes()));
    let update = update.update_expression("SET review.payload = :payload");
    update.expression_attribute_values(":payload", AttributeValue::S(payload.to_string())).send().await.unwrap();
    for (path, text) in all_pages(&person, &agent, &review).await {
        assert!(!has_secret(&text), "{path}: {text}");
    }
}
