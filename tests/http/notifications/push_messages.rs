//! What is pushed, to whom and when.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use reqwest::Method;
use serde_json::{Value, json};
use shared::storage::keys;
use shared::telemetry::cost::{RequestCost, with_cost};
use test_support::{Agent, Person, Reply, World};

use super::driver::NotifyDriver;
use super::push_service::PushService;

pub(super) fn deploy(risk: &str) -> Value {
    let action = json!({ "name": "deploy", "args": {}, "summary": "Version 7 of the shop", "risk": risk });
    json!({ "text": "# Deploy?", "review": { "type": "approval", "action": action } })
}

async fn setup(browsers: usize) -> (World, PushService, Person, Agent) {
    let (world, service) = (World::delivering().await, PushService::start(browsers, []).await);
    let person = world.person().await;
    for browser in &service.browsers {
        browser.subscribe(&person).await;
    }
    let agent = person.agent().await;
    (world, service, person, agent)
}

async fn set_push(person: &Person, push: Value) {
    let request = person.request(Method::PATCH, "/api/preferences");
    Reply::fetch(request.json(&json!({ "notifications": { "push": push } }))).await.expect(200);
}

#[tokio::test]
async fn a_request_is_pushed_to_each_device_and_stock_libraries_read_it() {
    let (world, service, person, agent) = setup(2).await;
    let key = person.get("/api/push/vapid-key").await.expect(200)["publicKey"].clone();
    let mut request = deploy("medium");
    request["review"]["expiresInSeconds"] = json!(600);
    let sent = agent.send(request).await.expect(201);
    let id = sent["id"].as_str().unwrap();
    let pushed = service.wait_for(2).await;
    let mut to: Vec<usize> = pushed.iter().map(|it| it.to).collect();
    to.sort_unstable();
    assert_eq!(to, [0, 1]);
    for (pushed, read) in pushed.iter().zip(service.read(&pushed).await) {
        let payload = &read["payload"];
        let expected = json!({
            "title": "An agent", "body": "deploy. Version 7 of the shop", "channelId": agent.channel, "messageId": id,
            "url": format!("/reviews/{id}"), "tag": payload["tag"], "status": "pending",
            "expiresAt": sent["review"]["expiresAt"],
            "actions": [{ "action": "approve", "title": "Approve" }, { "action": "reject", "title": "Reject" }],
        });
        assert_eq!(*payload, expected);
        assert_eq!(pushed.header("topic"), payload["tag"]);
        assert!(pushed.header("topic").len() <= 32);
        assert_eq!(pushed.header("content-encoding"), "aes128gcm");
        assert_eq!(pushed.header("urgency"), "normal");
        let ttl: u64 = pushed.header("ttl").parse().unwrap();
        assert!((540..=600).contains(&ttl), "{ttl}");
        assert!(pushed.body.len() <= 4096);
        let (claims, now) = (&read["claims"], world.app.clock.now().epoch_seconds());
        assert_eq!((&read["key"], &claims["aud"]), (&key, &json!(service.url)));
        let lifetime = claims["exp"].as_i64().unwrap() - now;
        assert!((1..=24 * 3600).contains(&lifetime), "{lifetime}");
    }
    let devices = person.get("/api/push/devices").await.expect(200);
    assert!(devices[0]["createdAt"].is_string());
}

#[tokio::test]
async fn a_request_that_was_answered_withdrawn_expired_or_deleted_is_replaced_under_its_tag() {
    let (world, service, person, agent) = setup(1).await;
    let mut tags = vec![];
    let mut ids = vec![];
    for number in 1..=4 {
        ids.push(agent.create_message(deploy("low")).await);
        let pushed = service.wait_for(number).await;
        tags.push(pushed[number - 1].header("topic").to_owned());
    }
    person.answer(&ids[0], json!({ "selectedOption": "reject" })).await.expect(201);
    service.wait_for(5).await;
    agent.cancel(&ids[1], json!({})).await.expect(200);
    service.wait_for(6).await;
    agent.delete_in_channel(&format!("/api/v1/messages/{}", ids[2])).await.expect(200);
    service.wait_for(7).await;
    world.advance_clock(Duration::from_secs(25 * 3600));
    expiry::handle(&world.function("expiry")).await.unwrap();
    let pushed = service.wait_for(8).await;
    let outcomes: Vec<Value> = service.payloads(&pushed[4..]).await;
    let shown: Vec<_> =
        outcomes.iter().map(|it| (it["status"].as_str().unwrap(), it["body"].as_str().unwrap())).collect();
    let text = "deploy. Version 7 of the shop";
    let expected = [
        ("completed", format!("Answered “Reject”: {text}")),
        ("cancelled", format!("Withdrawn: {text}")),
        ("deleted", "Deleted: A request".to_owned()),
        ("expired", format!("Expired: {text}")),
    ];
    assert_eq!(shown, expected.each_ref().map(|(status, body)| (*status, body.as_str())));
    for (outcome, tag) in outcomes.iter().zip(&tags) {
        assert_eq!((&outcome["tag"], &outcome["actions"]), (&json!(tag), &json!([])));
    }
    assert_eq!(pushed.len(), 8);
}

#[tokio::test]
async fn risk_decides_the_urgency_and_whether_there_are_buttons() {
    let (_world, service, _person, agent) = setup(1).await;
    for (number, (risk, urgency, buttons)) in [("low", "low", 2), ("high", "high", 0)].into_iter().enumerate() {
        agent.send(deploy(risk)).await.expect(201);
        let pushed = service.wait_for(number + 1).await;
        assert_eq!(pushed[number].header("urgency"), urgency);
        let payload = &service.payloads(&pushed[number..]).await[0];
        assert_eq!(payload["actions"].as_array().unwrap().len(), buttons, "{payload}");
        assert_eq!(payload["body"].as_str().unwrap().starts_with("High risk: "), risk == "high");
    }
    let irreversible = json!({ "name": "drop", "args": {}, "risk": "low", "reversible": false });
    let many = json!({ "options": ["a", "b", "c"] });
    for (number, review) in [
        json!({ "type": "approval", "action": irreversible }),
        json!({ "type": "approval", "payload": many }),
        json!({ "type": "form", "payload": { "fields": [{ "name": "x", "type": "text" }] } }),
    ]
    .into_iter()
    .enumerate()
    {
        agent.send(json!({ "text": "?", "review": review })).await.expect(201);
        let pushed = service.wait_for(number + 3).await;
        assert_eq!(service.payloads(&pushed[number + 2..]).await[0]["actions"], json!([]), "{number}");
    }
}

#[tokio::test]
async fn an_act_that_cannot_be_undone_is_as_urgent_as_high_risk_and_its_words_are_the_declared_ones() {
    let (_world, service, _person, agent) = setup(1).await;
    for (number, (risk, reversible, urgency, body)) in [
        (json!("low"), json!(false), "high", "Low risk, cannot be undone: drop. Table"),
        (json!("high"), json!(false), "high", "High risk, cannot be undone: drop. Table"),
        (Value::Null, json!(false), "high", "Cannot be undone: drop. Table"),
        (json!("high"), json!(true), "high", "High risk: drop. Table"),
        (json!("low"), json!(true), "low", "drop. Table"),
        (Value::Null, Value::Null, "normal", "drop. Table"),
    ]
    .into_iter()
    .enumerate()
    {
        let action = json!({ "name": "drop", "args": {}, "summary": "Table", "risk": risk, "reversible": reversible });
        agent.send(json!({ "text": "?", "review": { "type": "approval", "action": action } })).await.expect(201);
        let pushed = service.wait_for(number + 1).await;
        assert_eq!(pushed[number].header("urgency"), urgency, "{body}");
        let payload = &service.payloads(&pushed[number..]).await[0];
        assert_eq!(payload["body"], body);
        assert_eq!(payload["actions"].as_array().unwrap().is_empty(), urgency == "high", "{body}");
    }
}

#[tokio::test]
async fn buttons_are_only_sent_with_labels_that_say_what_they_do_to_the_act() {
    let (_world, service, person, agent) = setup(1).await;
    let option = |id: &str, label: &str, effect: &str| json!({ "id": id, "label": label, "effect": effect });
    let cancel_allows = json!([option("x", "Cancel", "allow"), option("y", "Approve", "deny")]);
    let swapped = json!([option("x", "Reject", "deny"), option("y", "Approve", "allow")]);
    let custom = json!([option("x", "Deploy", "allow"), option("y", "Reject", "deny")]);
    let mut sent = 0;
    for (options, titles, chosen) in [
        (&cancel_allows, json!([]), "Cancel (allows it)"),
        (&swapped, json!(["Reject", "Approve"]), "Reject"),
        (&custom, json!([]), "Deploy (allows it)"),
    ] {
        let mut request = deploy("low");
        request["review"]["payload"] = json!({ "options": options });
        let id = agent.create_message(request).await;
        let payload = service.payloads(&service.wait_for(sent + 1).await[sent..]).await.remove(0);
        let shown: Value = payload["actions"].as_array().unwrap().iter().map(|it| it["title"].clone()).collect();
        assert_eq!(shown, titles);
        person.answer(&id, json!({ "selectedOption": "x" })).await.expect(201);
        let ended = service.payloads(&service.wait_for(sent + 2).await[sent + 1..]).await.remove(0);
        assert_eq!(ended["body"], format!("Answered “{chosen}”: deploy. Version 7 of the shop"));
        sent += 2;
    }
    // Without an act there is nothing that a label could be wrong about.
    let plain = json!({ "text": "?", "review": { "type": "approval", "payload": { "options": ["Now", "Later"] } } });
    agent.send(plain).await.expect(201);
    let payload = service.payloads(&service.wait_for(sent + 1).await[sent..]).await.remove(0);
    assert_eq!(payload["actions"][1], json!({ "action": "Later", "title": "Later" }));
}

#[tokio::test]
async fn a_person_chooses_the_lowest_risk_and_whether_the_question_is_shown() {
    let (world, service, person, agent) = setup(1).await;
    set_push(&person, json!({ "minRisk": "medium", "showContent": false })).await;
    agent.send(deploy("low")).await.expect(201);
    let plain = agent.create_message(json!({ "text": "secret words", "review": { "type": "text-input" } })).await;
    let pushed = service.wait_for(1).await;
    let payload = &service.payloads(&pushed).await[0];
    assert_eq!((&payload["messageId"], &payload["body"]), (&json!(plain), &json!("A request")));
    person.answer(&plain, json!({ "text": "secret answer" })).await.expect(201);
    let pushed = service.wait_for(2).await;
    assert_eq!(service.payloads(&pushed[1..]).await[0]["body"], "Answered: A request");
    set_push(&person, json!({ "enabled": false })).await;
    agent.send(deploy("high")).await.expect(201);
    wait_until_unmarked(&world, &person).await;
    set_push(&person, json!({ "enabled": true })).await;
    let last = agent.create_message(deploy("high")).await;
    let pushed = service.wait_for(3).await;
    assert_eq!(service.payloads(&pushed[2..]).await[0]["messageId"], json!(last));
}

/// Waits until `events` has seen that the person wants no notifications.
async fn wait_until_unmarked(world: &World, person: &Person) {
    let user = person.user_id().await.parse().unwrap();
    let unmarked = async {
        loop {
            let items = world.items(keys::user_partition(user), keys::CHANGES).await;
            if items.iter().all(|item| !item.contains_key("notifySince")) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), unmarked).await.expect("the request is processed");
}

#[tokio::test]
async fn a_repeated_stream_record_makes_no_second_notification() {
    let (world, service) = (World::isolated().await, PushService::start(1, []).await);
    let driver = NotifyDriver::start(&world).await;
    let person = world.person().await;
    loopback_device(&world, &service, &person).await;
    let agent = person.agent().await;
    agent.request_approval().await;
    let message = driver.next().await;
    assert!(driver.deliver(&message).await);
    let events = driver.stream_events.lock().unwrap().clone();
    for event in events {
        assert!(::events::handle(&driver.events, event).await.batch_item_failures.is_empty());
    }
    let again = driver.next().await;
    assert_eq!(again.body, message.body, "its reference is sent once more, because a crash could have lost it");
    assert!(driver.deliver(&again).await);
    assert_eq!(service.pushed().len(), 1);
}

#[tokio::test]
async fn people_without_a_device_cost_nothing() {
    let world = World::isolated().await;
    let driver = NotifyDriver::start(&world).await;
    let person = world.person().await;
    let agent = person.agent().await;
    let review = agent.request_approval().await;
    person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while record_of_request(&driver, &review).is_none() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("the record");
    assert!(driver.next_within(1).await.is_none());
    let user = person.user_id().await.parse().unwrap();
    assert_eq!(world.items(keys::user_partition(user), keys::NOTIFICATIONS).await.len(), 0);
    // A batch bumps the version of the person's inbox, and that shows that nobody is to be notified.
    let calls = calls_of_events(&driver, &review).await;
    assert_eq!(calls, 1);
    let service = PushService::start(1, []).await;
    loopback_device(&world, &service, &person).await;
    assert_eq!(calls_of_events(&driver, &review).await, 4, "the person, the devices, the notification");
    // The last device is gone: the next request finds that out once.
    let request = person.request(Method::DELETE, "/api/push/subscribe");
    Reply::fetch(request.json(&json!({ "endpoint": service.browsers[0].endpoint }))).await;
    assert_eq!(calls_of_events(&driver, &review).await, 4, "the person, the devices, the mark");
    assert_eq!(calls_of_events(&driver, &review).await, 1);
}

/// The record of a new review, as a batch, once the stream has brought it.
fn record_of_request(driver: &NotifyDriver, review: &str) -> Option<Event> {
    let is_asked = |record: &&EventRecord| {
        let id = record.change.new_image.get("id").cloned();
        id == Some(serde_dynamo::AttributeValue::S(review.to_owned())) && record.change.old_image.is_empty()
    };
    let events = driver.stream_events.lock().unwrap();
    let mut batch = Event::default();
    batch.records = vec![events.iter().flat_map(|event| &event.records).find(is_asked)?.clone()];
    Some(batch)
}

/// DynamoDB calls of `events` for the record of a new review.
async fn calls_of_events(driver: &NotifyDriver, review: &str) -> u32 {
    let batch = record_of_request(driver, review);
    let cost = Arc::<RequestCost>::default();
    let response = with_cost(cost.clone(), events::handle(&driver.events, batch.expect("the record"))).await;
    assert!(response.batch_item_failures.is_empty());
    cost.spent().calls
}

/// Subscribes the service's first browser in a world that refuses this machine, past its checks.
pub(super) async fn loopback_device(world: &World, service: &PushService, person: &Person) {
    use shared::outbound::Outbound;
    let app = shared::http::App { outbound: Outbound::new(true), ..world.function("accounts") };
    let url = world.serve_also(accounts::router(), app).await;
    service.browsers[0].subscribe(&person.at(&url)).await;
}
