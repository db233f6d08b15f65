//! What push services answer, and what follows.

use std::time::Duration;

use serde_json::{Value, json};
use shared::secrets::ServerSecrets;
use shared::storage::keys;
use test_support::World;

use super::push_service::PushService;
use super::subscribed::Setup;

impl Setup {
    async fn devices(&self) -> Vec<Value> {
        self.person.get("/api/push/devices").await.expect(200).as_array().unwrap().clone()
    }

    /// The state of the one notification.
    async fn state(&self) -> String {
        let user = self.person.user_id().await.parse().unwrap();
        let items = self.world.items(keys::user_partition(user), keys::NOTIFICATIONS).await;
        items[0]["state"].as_s().unwrap().clone()
    }
}

#[tokio::test]
async fn a_subscription_that_has_ended_is_removed() {
    for status in [404, 410] {
        let setup = Setup::with_plans([(status, None)]).await;
        setup.agent.request_approval().await;
        assert!(setup.driver.deliver(&setup.driver.next().await).await);
        assert_eq!((setup.devices().await.len(), setup.state().await.as_str()), (0, "dropped"));
        assert!(setup.driver.dead_letter().await.is_none());
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_sent_without_the_question() {
    let setup = Setup::with_plans([(413, None)]).await;
    setup.agent.request_approval().await;
    assert!(setup.driver.deliver(&setup.driver.next().await).await);
    let bodies: Vec<Value> = setup.service.payloads(&setup.service.pushed()).await;
    let bodies: Vec<&Value> = bodies.iter().map(|payload| &payload["body"]).collect();
    assert_eq!(bodies, ["May I?", "A request"]);
    assert_eq!(setup.state().await, "delivered");
}

#[tokio::test]
async fn a_push_service_that_is_busy_is_asked_again_when_it_says_so() {
    let setup = Setup::with_plans([(503, None), (429, Some(3600)), (201, None)]).await;
    setup.agent.request_approval().await;
    let message = setup.driver.next().await;
    assert!(!setup.driver.deliver(&message).await);
    setup.world.advance_clock(Duration::from_secs(10));
    assert!(!setup.driver.deliver(&message).await);
    setup.world.advance_clock(Duration::from_secs(1800));
    assert!(!setup.driver.deliver(&message).await, "it is early");
    assert_eq!(setup.service.pushed().len(), 2);
    setup.world.advance_clock(Duration::from_secs(1801));
    assert!(setup.driver.deliver(&message).await);
    assert_eq!(setup.service.pushed().len(), 3);
    assert_eq!(setup.state().await, "delivered");
    assert!(setup.devices().await[0]["lastUsedAt"].is_string());
}

#[tokio::test]
async fn nothing_is_attempted_after_the_request_would_have_expired() {
    let setup = Setup::with_plans([(429, Some(3600))]).await;
    let review = json!({ "type": "approval", "expiresInSeconds": 1800 });
    setup.agent.send(json!({ "text": "?", "review": review })).await.expect(201);
    assert!(setup.driver.deliver(&setup.driver.next().await).await);
    assert_eq!(setup.state().await, "dropped");
}

#[tokio::test]
async fn a_refused_message_moves_to_the_dead_letter_queue() {
    let setup = Setup::with_plans([(403, None)]).await;
    setup.agent.request_approval().await;
    let message = setup.driver.next().await;
    assert!(setup.driver.deliver(&message).await);
    assert_eq!(setup.driver.dead_letter().await.map(|it| it.body), Some(message.body.clone()));
    assert_eq!((setup.state().await.as_str(), setup.devices().await.len()), ("failed", 1));
    assert!(!message.body.unwrap().contains(&setup.service.url), "no endpoint in a queue");
}

#[tokio::test]
async fn what_was_never_sent_needs_no_outcome() {
    let setup = Setup::with_plans([]).await;
    let review = setup.agent.request_approval().await;
    let message = setup.driver.next().await;
    setup.person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
    // The outcome has a message of its own.
    let outcome = setup.driver.next().await;
    assert_eq!(outcome.body, message.body);
    assert!(setup.driver.deliver(&message).await);
    assert!(setup.driver.deliver(&outcome).await);
    assert_eq!((setup.service.pushed().len(), setup.state().await.as_str()), (0, "dropped"));
}

#[tokio::test]
async fn a_device_stays_subscribed_when_the_secret_is_replaced_until_the_former_one_is_not_listed() {
    let setup = Setup::with_plans([]).await;
    let (old, new) = (test_support::SECRETS, "another_secret_of_the_services_under_test");
    let rotated = ServerSecrets::parse(&format!("{new},{old}")).unwrap();
    let key = rotated.iter().nth(1).unwrap().vapid_key().unwrap().public();
    setup.agent.request_approval().await;
    assert!(setup.driver.with_secrets(rotated).deliver(&setup.driver.next().await).await);
    assert_eq!(setup.service.read(&setup.service.pushed()).await[0]["key"], json!(key));
    setup.agent.request_approval().await;
    let revoked = ServerSecrets::parse(new).unwrap();
    assert!(setup.driver.with_secrets(revoked).deliver(&setup.driver.next().await).await);
    assert_eq!((setup.service.pushed().len(), setup.devices().await.len()), (1, 0));
}

#[tokio::test]
async fn a_test_message_says_what_each_push_service_answered() {
    let world = World::delivering().await;
    let service = PushService::start(3, []).await;
    let person = world.person().await;
    for browser in &service.browsers {
        browser.subscribe(&person).await;
    }
    let tested = person.post("/api/push/test", json!({})).await.expect(200);
    let accepted: Vec<&Value> = tested.as_array().unwrap().iter().map(|it| &it["accepted"]).collect();
    assert_eq!(accepted, [true, true, true]);
    assert_eq!(service.payloads(&service.pushed()).await[0]["status"], "test");

    let gone = PushService::start(1, [(410, None)]).await;
    let other = world.member().await;
    gone.browsers[0].subscribe(&other).await;
    let reply = other.post("/api/push/test", json!({})).await;
    let tested = &reply.expect(200)[0];
    let expected = json!([false, 410, "the subscription has ended; the device was removed"]);
    assert_eq!(json!([tested["accepted"], tested["status"], tested["error"]]), expected);
    assert!(!reply.text().contains("/send/"), "an endpoint is never shown: {}", reply.text());
    assert_eq!(other.get("/api/push/devices").await.expect(200), json!([]));
}
