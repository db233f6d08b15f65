//! Webhook deliveries: signature, retries, receivers in their order, and delivery status.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use shared::ids::MessageId;
use shared::storage::keys;
use test_support::World;

use crate::support::answered_review::{AnsweredReview, WEBHOOK_URL, agent_with_webhook, approve, status};
use crate::support::delivery_driver::{DeliveryDriver, set_agent_webhook, set_callback, set_message_webhook};
use crate::support::receiver::{ReceivedRequest, Receiver, ResponsePlan};

/// Whether the `standardwebhooks` package from PyPI accepts the signature.
pub fn is_signature_valid(secret: &str, received: &ReceivedRequest, body: &str) -> bool {
    let python = std::env::var("PLACET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/http/verify.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python");
    let given = json!({ "secret": secret, "headers": received.headers, "body": body });
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || stderr.contains("WebhookVerificationError"), "{stderr}");
    output.status.success()
}

#[tokio::test]
async fn an_answer_reaches_the_agents_webhook_signed_as_the_specification_says() {
    let it = AnsweredReview::with_receiver([]).await;
    assert!(it.deliver().await);
    let received = &it.receiver.wait_for(1).await[0];
    let body = received.json();
    assert_eq!(body["event"], "review:responded");
    assert_eq!((&body["channelId"], &body["message_id"]), (&json!(it.agent.channel), &json!(it.review)));
    assert_eq!((&body["review_type"], &body["response"]), (&json!("approval"), &approve()));
    assert!(body["responded_at"].is_string() && body.get("expired_at").is_none());
    assert!(received.line.starts_with("POST /hook?token=in-the-query "));
    assert_eq!(received.headers["content-type"], "application/json");
    assert_eq!(received.headers["x-route"], "blue-route-17");
    assert_eq!(received.headers["authorization"], "Basic cGxhY2V0OmNvcnJlY3QgaG9yc2U=");
    assert!(is_signature_valid(&it.secret, received, &received.body));
    assert!(!is_signature_valid(&it.secret, received, &received.body.replace("approve", "reject!")));
    assert_eq!(it.status().await, "webhook_delivered");
}

#[tokio::test]
async fn failed_deliveries_are_retried_under_the_same_id() {
    let it = AnsweredReview::with_receiver([
        ResponsePlan::status(500),
        ResponsePlan::Close,
        ResponsePlan::with(302, "Location: /elsewhere\r\n", ""),
    ])
    .await;
    for (attempts, pause) in [(1, 6), (2, 67), (3, 661)] {
        assert!(!it.deliver().await);
        // Nothing is sent before the retry is due.
        assert!(!it.deliver().await);
        assert_eq!(it.receiver.wait_for(attempts).await.len(), attempts);
        assert_eq!(it.status().await, "sent");
        it.world.advance_clock(Duration::from_secs(pause));
    }
    assert!(it.deliver().await);
    let received = it.receiver.wait_for(4).await;
    assert!(received.iter().all(|it| it.id() == received[0].id() && it.body == received[0].body));
    assert!(received.iter().all(|it| it.line.starts_with("POST /hook?")));
    assert_eq!(it.status().await, "webhook_delivered");
    // Delivering it once more sends nothing.
    assert!(it.deliver().await);
    assert_eq!(it.receiver.received().len(), 4);
}

#[tokio::test]
async fn a_410_response_ends_the_retries() {
    let it = AnsweredReview::with_receiver([ResponsePlan::status(410)]).await;
    assert!(!it.deliver().await);
    assert_eq!(it.status().await, "webhook_failed");
    it.world.advance_clock(Duration::from_secs(2 * 24 * 3600));
    assert!(!it.deliver().await);
    assert_eq!(it.receiver.received().len(), 1);
    it.person.sign_in().await.expect(200);
    it.retry().await;
    let received = it.deliver_until_received(2).await;
    assert_eq!(received[0].id(), received[1].id());
    assert_eq!(it.status().await, "webhook_delivered");
}

#[tokio::test]
async fn after_the_last_attempt_the_message_is_marked_failed() {
    let it = AnsweredReview::with_receiver(vec![ResponsePlan::status(503); 7]).await;
    for attempts in 1..=7 {
        assert!(!it.deliver().await);
        assert_eq!(it.receiver.received().len(), attempts);
        assert_eq!(it.status().await, if attempts < 7 { "sent" } else { "webhook_failed" });
        it.world.advance_clock(Duration::from_secs(27 * 3600));
    }
    assert!(!it.deliver().await);
    assert_eq!(it.receiver.received().len(), 7);
}

#[tokio::test]
async fn the_message_url_precedes_the_agent_url_and_the_callback() {
    let world = World::isolated().await;
    let driver = DeliveryDriver::start(&world).await;
    let (own, agents, callback) = tokio::join!(Receiver::start([]), Receiver::start([]), Receiver::start([]));
    let person = world.person().await;
    let (agent, _) = agent_with_webhook(&world, &person, &agents).await;
    let callback_settings =
        json!({ "url": callback.url, "method": "PUT", "headers": { "X-Called": "yes" } }).to_string();
    let first = agent.request_approval().await;
    set_callback(&world, &first, &callback_settings).await;
    set_message_webhook(&world, &first, &own.url).await;
    person.answer(&first, approve()).await.expect(201);
    assert!(driver.deliver(&driver.next_delivery().await).await);
    assert_eq!(own.wait_for(1).await[0].headers["x-route"], "blue-route-17");
    let second = agent.request_approval().await;
    set_callback(&world, &second, &callback_settings).await;
    person.answer(&second, approve()).await.expect(201);
    assert!(driver.deliver(&driver.next_delivery().await).await);
    assert_eq!(agents.wait_for(1).await[0].json()["message_id"], json!(second));
    agent.post("/api/v1/agents/deleteWebhook", json!({ "channelId": agent.channel })).await.expect(200);
    let third = agent.request_approval().await;
    set_callback(&world, &third, &callback_settings).await;
    person.answer(&third, approve()).await.expect(201);
    assert!(driver.deliver(&driver.next_delivery().await).await);
    let received = &callback.wait_for(1).await[0];
    assert!(received.line.starts_with("PUT "));
    assert_eq!(received.headers["x-called"], "yes");
    assert!(!received.headers.contains_key("x-route") && !received.headers.contains_key("authorization"));
    assert!(!received.headers.contains_key("webhook-signature") && received.headers.contains_key("webhook-id"));
    assert_eq!((own.received().len(), agents.received().len()), (1, 1));
}

#[tokio::test]
async fn a_delivery_does_not_undo_a_receipt_or_a_deletion() {
    let it = AnsweredReview::with_receiver([]).await;
    let AnsweredReview { world, driver, receiver, person, agent, review, .. } = &it;
    agent.post(&format!("/api/v1/messages/{review}/ack?channel={}", agent.channel), json!({})).await.expect(200);
    assert!(it.deliver().await);
    assert_eq!(it.status().await, "agent_received");
    let written = person.post("/api/messages", json!({ "channelId": agent.channel, "text": "hi" })).await.expect(201);
    let written = written["id"].as_str().unwrap();
    let message = driver.next_delivery().await;
    let key = keys::message(written.parse::<MessageId>().unwrap());
    let delete = world.clients.dynamodb.delete_item().table_name(&world.table).set_key(Some(key.attributes()));
    delete.send().await.unwrap();
    assert!(driver.deliver(&message).await);
    let body = receiver.wait_for(2).await[1].json();
    assert_eq!((&body["event"], &body["message"]["text"]), (&json!("message:created"), &json!("hi")));
    let gone = world.clients.dynamodb.get_item().table_name(&world.table).set_key(Some(key.attributes()));
    assert!(gone.consistent_read(true).send().await.unwrap().item.is_none());
}

#[tokio::test]
async fn without_a_url_nothing_is_queued_and_the_log_shows_no_secrets() {
    let world = World::isolated().await;
    let echo = r#"{"you":"Basic cGxhY2V0OmNvcnJlY3QgaG9yc2U= blue-route-17"}"#;
    let (driver, receiver) =
        (DeliveryDriver::start(&world).await, Receiver::start([ResponsePlan::with(200, "", echo)]).await);
    let person = world.person().await;
    let silent = person.agent().await;
    let unsent = silent.request_approval().await;
    person.answer(&unsent, approve()).await.expect(201);
    let (agent, secret) = agent_with_webhook(&world, &person, &receiver).await;
    let review = agent.request_approval().await;
    person.answer(&review, approve()).await.expect(201);
    // Records arrive in order, so a delivery of the first answer would be here already.
    let message = driver.next_delivery().await;
    assert!(message.body.as_ref().unwrap().contains(&review));
    assert!(driver.deliver(&message).await);
    assert!(driver.next_delivery_within(0).await.is_none());
    assert_eq!(status(&silent, &unsent).await, "sent");
    let logs = person.get("/api/logs").await.expect(200);
    let row = logs["data"].as_array().unwrap().iter().find(|row| row["direction"] == "outbound").unwrap().clone();
    assert_eq!((&row["method"], &row["statusCode"]), (&json!("POST"), &json!(200)));
    assert!(row["path"].as_str().unwrap().ends_with("/hook"));
    for hidden in ["in-the-query", "blue-route-17", "cGxhY2V0", "correct horse", &secret] {
        assert!(!row.to_string().contains(hidden), "{hidden} in {row}");
    }
}

#[tokio::test]
async fn slow_oversized_and_retry_after_responses_are_handled() {
    let later = ResponsePlan::with(429, "Retry-After: 3600\r\n", "{}");
    let it = AnsweredReview::with_receiver([
        ResponsePlan::Hang,
        later,
        ResponsePlan::with(200, "", &"x".repeat(1024 * 1024)),
    ])
    .await;
    assert!(!it.deliver().await);
    it.world.advance_clock(Duration::from_secs(6));
    assert!(!it.deliver().await);
    // The regular retry would be due after a minute.
    it.world.advance_clock(Duration::from_secs(3500));
    assert!(!it.deliver().await);
    assert_eq!(it.receiver.received().len(), 2);
    it.world.advance_clock(Duration::from_secs(101));
    assert!(it.deliver().await);
    assert_eq!(it.status().await, "webhook_delivered");
    assert_eq!(it.logged_statuses().await, [200, 429, 504]);
}

#[tokio::test]
async fn during_a_secret_rotation_both_secrets_sign() {
    let it = AnsweredReview::with_receiver([]).await;
    let set = json!({ "channelId": it.agent.channel, "url": WEBHOOK_URL });
    let now = it.agent.post("/api/v1/agents/setWebhook", set).await.expect(200)["webhookSecret"].clone();
    set_agent_webhook(&it.world, &it.agent.channel, &it.receiver.url).await;
    assert!(it.deliver().await);
    let received = &it.receiver.wait_for(1).await[0];
    for secret in [&it.secret, now.as_str().unwrap()] {
        assert!(is_signature_valid(secret, received, &received.body));
    }
}

#[tokio::test]
async fn two_concurrent_workers_send_a_delivery_once() {
    let it = AnsweredReview::with_receiver([]).await;
    tokio::join!(it.deliver(), it.deliver(), it.deliver());
    assert!(it.deliver().await);
    assert_eq!(it.receiver.received().len(), 1);
}
