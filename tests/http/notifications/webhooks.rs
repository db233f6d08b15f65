//! A person's webhook: the documented shapes of its receivers, signatures, failures, and who sees what.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use shared::http::App;
use shared::outbound::Outbound;
use shared::storage::keys;
use test_support::{Agent, Person, Reply, World};

use super::driver::NotifyDriver;
use super::push_messages::deploy;
use crate::support::receiver::{ReceivedRequest, Receiver, ResponsePlan};
use crate::webhooks::deliveries::is_signature_valid;

const PATH: &str = "/api/notifications/webhook";

struct Setup {
    world: World,
    driver: NotifyDriver,
    receiver: Receiver,
    /// At the address where this machine may be called.
    person: Person,
    agent: Agent,
    secret: String,
}

impl Setup {
    async fn start(format: &str, plans: impl IntoIterator<Item = ResponsePlan>) -> Self {
        let (world, receiver) = (World::isolated().await, Receiver::start(plans).await);
        let driver = NotifyDriver::start(&world).await;
        let person = world.person().await;
        let agent = person.agent().await;
        let app = App { outbound: Outbound::new(true), ..world.function("accounts") };
        let person = person.at(&world.serve_also(accounts::router(), app).await);
        let url = receiver.url.replace("/hook?token=in-the-query", "/services/secret-topic");
        let set = set(&person, json!({ "url": url, "format": format })).await.expect(200);
        let secret = set["webhookSecret"].as_str().unwrap().to_owned();
        Self { world, driver, receiver, person, agent, secret }
    }

    /// Waits until `events` has seen that a request was answered.
    async fn one_has_ended(&self) {
        let user = self.person.user_id().await.parse().unwrap();
        let ended = async {
            while !self
                .world
                .items(keys::user_partition(user), keys::NOTIFICATIONS)
                .await
                .iter()
                .any(|it| it.contains_key("endedAt"))
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the answer is processed");
    }

    async fn received(&self) -> ReceivedRequest {
        self.driver.deliver_next().await;
        self.receiver.received().pop().expect("a request")
    }
}

async fn set(person: &Person, webhook: Value) -> Reply {
    Reply::fetch(person.request(Method::PUT, PATH).json(&webhook)).await
}

/// Whether a stock verifier of Standard Webhooks accepts the request.
fn is_signed(request: &ReceivedRequest, secret: &str) -> bool {
    is_signature_valid(secret, request, &request.body)
}

#[tokio::test]
async fn json_has_everything_and_is_signed() {
    let setup = Setup::start("json", []).await;
    let sent = setup.agent.send(deploy("high")).await.expect(201);
    let request = setup.received().await;
    let id = sent["id"].as_str().unwrap();
    let body = request.json();
    let expected = json!({
        "event": "review:requested", "messageId": id, "channelId": setup.agent.channel, "agent": "An agent",
        "text": "High risk: deploy. Version 7 of the shop", "risk": "high", "reversible": null, "url": body["url"],
        "expiresAt": sent["review"]["expiresAt"],
    });
    assert_eq!(body, expected);
    // The link leads to the sign-in.
    let path = body["url"].as_str().unwrap().strip_prefix("http://localhost").unwrap();
    assert_eq!(path, format!("/reviews/{id}"));
    let visitor = Person::signed_out(&setup.world.url, "", "");
    let page = visitor.get(path).await;
    assert!(page.header("location").starts_with("/login?next=") && page.text().is_empty(), "{}", page.text());
    assert_eq!(request.line, "POST /services/secret-topic HTTP/1.1");
    assert!(is_signed(&request, &setup.secret));
}

#[tokio::test]
async fn every_format_tells_the_risk_as_it_was_declared() {
    let action = json!({ "name": "drop", "args": {}, "summary": "Table", "risk": "low", "reversible": false });
    let request = json!({ "text": "?", "review": { "type": "approval", "action": action } });
    for format in ["json", "slack", "ntfy"] {
        let setup = Setup::start(format, []).await;
        setup.agent.send(request.clone()).await.expect(201);
        let body = setup.received().await.json();
        let text = if format == "ntfy" { &body["message"] } else { &body["text"] };
        assert!(text.as_str().unwrap().ends_with("Low risk, cannot be undone: drop. Table"), "{body}");
        match format {
            "json" => assert_eq!((&body["risk"], &body["reversible"]), (&json!("low"), &json!(false))),
            "ntfy" => assert_eq!(body["priority"], 4, "as urgent as high risk"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn slack_gets_a_message_of_its_incoming_webhooks() {
    let setup = Setup::start("slack", []).await;
    let text = "Pay <!channel> & @here *now* please?";
    setup.agent.send(json!({ "text": text, "review": { "type": "approval" } })).await.expect(201);
    let body = setup.received().await.json();
    // https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    let members: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["blocks", "text"]);
    assert_eq!(body["text"], "An agent: Pay &lt;!channel&gt; &amp; @here now please?");
    let [question, context] = &body["blocks"].as_array().unwrap()[..] else { panic!("{body}") };
    assert_eq!(question["type"], "section");
    let expected = "*An agent*\nPay &lt;!channel&gt; &amp; @here now please?";
    assert_eq!(question["text"], json!({ "type": "mrkdwn", "text": expected, "verbatim": true }));
    assert_eq!(context["type"], "context");
    let link = context["elements"][0]["text"].as_str().unwrap();
    assert!(
        link.starts_with("<http://localhost/reviews/msg_") && link.contains("|Open the request> · answer by <!date^")
    );
}

#[tokio::test]
async fn ntfy_gets_json_at_its_root_with_the_topic() {
    let setup = Setup::start("ntfy", []).await;
    let sent = setup.agent.send(deploy("low")).await.expect(201);
    let request = setup.received().await;
    let url = format!("http://localhost/reviews/{}", sent["id"].as_str().unwrap());
    // https://docs.ntfy.sh/publish/#publish-as-json
    let expected = json!({
        "topic": "secret-topic", "title": "An agent", "message": "deploy. Version 7 of the shop", "priority": 2,
        "click": url, "actions": [{ "action": "view", "label": "Open the request", "url": url }],
    });
    assert_eq!(request.json(), expected);
    assert_eq!(request.line, "POST /services/ HTTP/1.1");
}

#[tokio::test]
async fn a_busy_receiver_is_called_again_under_the_same_id_and_a_refusal_is_final() {
    let setup = Setup::start("json", [ResponsePlan::with(429, "Retry-After: 30\r\n", "{}")]).await;
    setup.agent.request_approval().await;
    let message = setup.driver.next().await;
    assert!(!setup.driver.deliver(&message).await);
    setup.world.advance_clock(Duration::from_secs(31));
    assert!(setup.driver.deliver(&message).await);
    let ids: Vec<String> = setup.receiver.received().iter().map(|it| it.id().to_owned()).collect();
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));

    let setup = Setup::start("slack", [ResponsePlan::status(404)]).await;
    setup.agent.request_approval().await;
    let message = setup.driver.next().await;
    assert!(setup.driver.deliver(&message).await);
    let dead = setup.driver.dead_letter().await.and_then(|it| it.body).unwrap();
    assert!(!dead.contains("secret-topic"), "{dead}");
}

#[tokio::test]
async fn a_reminder_says_so_under_another_id_and_an_answer_sends_nothing() {
    let setup = Setup::start("json", []).await;
    let prefer = json!({ "notifications": { "remindAfterSeconds": 600 } });
    Reply::fetch(setup.person.request(Method::PATCH, "/api/preferences").json(&prefer)).await.expect(200);
    let (review, answered) = (setup.agent.request_approval().await, setup.agent.request_approval().await);
    setup.driver.deliver_next().await;
    setup.driver.deliver_next().await;
    let inbox = setup.person.at(&setup.world.url);
    inbox.answer(&answered, json!({ "selectedOption": "approve" })).await.expect(201);
    setup.one_has_ended().await;
    setup.world.advance_clock(Duration::from_secs(601));
    setup.driver.sweep().await;
    setup.driver.deliver_next().await;
    assert!(setup.driver.next_within(0).await.is_none());
    let received = setup.receiver.received();
    assert_eq!(received.len(), 3);
    assert_eq!(
        (&received[2].json()["event"], &received[2].json()["messageId"]),
        (&json!("review:reminder"), &json!(review))
    );
    assert_eq!(received[2].id(), format!("{}_reminder", received[0].id()));
}

#[tokio::test]
async fn a_test_message_shows_what_came_back_without_the_secret_path() {
    let echo = ResponsePlan::with(404, "", "no_service at /services/secret-topic");
    let setup = Setup::start("slack", [echo]).await;
    let tested = setup.person.post(&format!("{PATH}/test"), json!({})).await.expect(200);
    let expected = json!([false, 404, "no_service at /***/***"]);
    assert_eq!(json!([tested["delivered"], tested["status"], tested["body"]]), expected);
    let tested = setup.person.post(&format!("{PATH}/test"), json!({})).await.expect(200);
    assert_eq!(tested["delivered"], true);
    let received = setup.receiver.received();
    assert!(received[1].json()["text"].as_str().unwrap().contains("This is a test message."));
    assert!(is_signed(&received[1], &setup.secret));
}

#[tokio::test]
async fn a_webhook_is_set_shown_without_its_path_and_removed() {
    let world = World::start().await;
    let (anna, ben) = (world.person().await, world.member().await);
    anna.get(PATH).await.expect_error(404, "not_found");
    let webhook = json!({
        "url": "https://me:pw@93.184.215.14/services/secret", "format": "slack", "headers": { "x-team": "blue" },
    });
    let shown = set(&anna, webhook).await;
    let shown = shown.expect(200);
    assert!(shown["webhookSecret"].as_str().unwrap().starts_with("whsec_"));
    let expected = json!({
        "origin": "https://93.184.215.14", "format": "slack", "headers": { "x-team": "blue" },
        "createdAt": shown["createdAt"],
    });
    assert_eq!(anna.get(PATH).await.expect(200), expected);
    assert_eq!(anna.get("/api/preferences").await.expect(200)["notifications"]["webhook"]["enabled"], true);
    ben.get(PATH).await.expect_error(404, "not_found");
    ben.delete(PATH).await.expect_error(404, "not_found");
    anna.delete(PATH).await.expect(200);
    anna.delete(PATH).await.expect_error(404, "not_found");
    assert_eq!(anna.get("/api/preferences").await.expect(200)["notifications"]["webhook"]["enabled"], false);
}

#[tokio::test]
async fn a_webhook_that_leads_inside_or_is_not_valid_is_refused() {
    let world = World::start().await;
    let person = world.person().await;
    for url in ["http://127.0.0.1/x", "http://localhost/x", "https://169.254.169.254/x", "http://[::1]/x", "ftp://a/x"]
    {
        assert_eq!(set(&person, json!({ "url": url })).await.expect_invalid(), ["url"], "{url}");
    }
    let wrong = json!({ "url": "x", "format": "teams", "headers": { "host": "y" } });
    assert_eq!(set(&person, wrong).await.expect_invalid(), ["url", "format", "headers.host"]);
    let no_topic = json!({ "url": "https://93.184.215.14/", "format": "ntfy" });
    assert_eq!(set(&person, no_topic).await.expect_invalid(), ["url"]);
    set(&person, json!({})).await.expect_error(400, "validation_failed");
}

#[tokio::test]
async fn a_stored_webhook_is_not_called_once_it_leads_inside() {
    let setup = Setup::start("json", []).await;
    // The functions of this deployment may not call this machine.
    let strict = setup.driver.with_outbound(Outbound::default());
    setup.agent.request_approval().await;
    assert!(!strict.deliver(&strict.next().await).await, "attempted again later");
    assert_eq!(setup.receiver.received().len(), 0);
}
