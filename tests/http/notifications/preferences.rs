//! When a person is notified, and of what: delays, reminders, quiet hours, and one agent apart from the others.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Item, Person, Reply, World};

use super::driver::{planned, quiet_for_two_hours};
use super::push_messages::deploy;
use super::subscribed::Setup;

impl Setup {
    async fn start(notifications: Value) -> Self {
        let setup = Self::with_plans([]).await;
        prefer(&setup.person, notifications).await.expect(200);
        setup
    }

    /// Lets this much time pass, and runs what is due then.
    async fn after(&self, seconds: u64) {
        self.world.advance_clock(Duration::from_secs(seconds));
        self.driver.sweep().await;
    }

    /// Waits until `events` has planned `count` notifications; returns their items.
    async fn planned(&self, count: usize) -> Vec<Item> {
        planned(&self.world, &self.person, count).await
    }

    async fn nothing_is_queued(&self) {
        assert!(self.driver.next_within(0).await.is_none());
    }

    fn sent(&self) -> usize {
        self.service.pushed().len()
    }
}

async fn prefer(person: &Person, notifications: Value) -> Reply {
    let request = person.request(Method::PATCH, "/api/preferences");
    Reply::fetch(request.json(&json!({ "notifications": notifications }))).await
}

async fn set_agent(person: &Person, agent: &Agent, change: Value) -> Reply {
    let path = format!("/api/agents/{}/notifications", agent.channel);
    Reply::fetch(person.request(Method::PATCH, &path).json(&change)).await
}

#[tokio::test]
async fn a_request_that_nobody_has_opened_in_time_notifies_to_the_minute() {
    let setup = Setup::start(json!({ "push": { "afterSeconds": 300 } })).await;
    setup.agent.request_approval().await;
    setup.planned(1).await;
    setup.after(240).await;
    setup.nothing_is_queued().await;
    setup.after(61).await;
    setup.driver.deliver_next().await;
    assert_eq!(setup.sent(), 1);
    // The entry in the index is gone with its message.
    setup.after(60).await;
    setup.nothing_is_queued().await;
}

#[tokio::test]
async fn a_request_that_was_opened_or_answered_in_time_does_not_notify() {
    let setup = Setup::start(json!({ "push": { "afterSeconds": 300 } })).await;
    let [opened, answered] = [setup.agent.request_approval().await, setup.agent.request_approval().await];
    setup.planned(2).await;
    setup.person.get(&format!("/reviews/{opened}")).await;
    setup.person.answer(&answered, json!({ "selectedOption": "approve" })).await.expect(201);
    // The outcome of what was never sent.
    setup.driver.deliver_next().await;
    setup.after(301).await;
    setup.driver.deliver_next().await;
    setup.nothing_is_queued().await;
    assert_eq!(setup.sent(), 0);
    // Nor is anybody told the outcome of what was opened in time.
    setup.person.answer(&opened, json!({ "selectedOption": "approve" })).await.expect(201);
    setup.driver.deliver_next().await;
    assert_eq!(setup.sent(), 0);
}

#[tokio::test]
async fn a_request_whose_queue_message_was_lost_before_quiet_hours_notifies_after_them() {
    let setup = Setup::start(json!({})).await;
    setup.agent.request_approval().await;
    // As if `events` had died before it sent this one.
    setup.driver.next().await;
    prefer(&setup.person, json!({ "quietHours": quiet_for_two_hours(&setup.world) })).await.expect(200);
    setup.driver.replay_stream().await;
    setup.driver.deliver_next().await;
    assert_eq!(setup.sent(), 0);
    setup.after(2 * 3600).await;
    setup.driver.deliver_next().await;
    assert_eq!(setup.sent(), 1);
}

#[tokio::test]
async fn a_reminder_is_sent_once_and_not_after_the_answer() {
    let setup = Setup::start(json!({ "remindAfterSeconds": 600 })).await;
    let review = setup.agent.request_approval().await;
    setup.driver.deliver_next().await;
    // Real time passes as well.
    setup.after(540).await;
    setup.nothing_is_queued().await;
    setup.after(60).await;
    setup.driver.deliver_next().await;
    setup.after(1200).await;
    setup.nothing_is_queued().await;
    let tags: Vec<String> = setup.service.pushed().iter().map(|it| it.header("topic").to_owned()).collect();
    assert_eq!((tags.len(), &tags[0]), (2, &tags[1]));

    let second = setup.agent.request_approval().await;
    setup.driver.deliver_next().await;
    for review in [&review, &second] {
        setup.person.answer(review, json!({ "selectedOption": "approve" })).await.expect(201);
        setup.driver.deliver_next().await;
    }
    setup.after(600).await;
    setup.nothing_is_queued().await;
    assert_eq!(setup.sent(), 5, "two and the outcome, one and the outcome");
}

#[tokio::test]
async fn quiet_hours_put_a_notification_off_and_high_risk_breaks_through() {
    let setup = Setup::start(json!({})).await;
    // Quiet for the twelve hours around now.
    let now = setup.world.app.clock.now().epoch_seconds();
    let time = |seconds: i64| format!("{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60);
    let quiet = json!({ "from": time(now - 6 * 3600), "to": time(now + 6 * 3600), "timeZone": "Etc/UTC" });
    let set = prefer(&setup.person, json!({ "quietHours": quiet })).await.expect(200);
    assert_eq!(set["notifications"]["quietHours"]["minRisk"], "high");
    setup.agent.send(deploy("medium")).await.expect(201);
    setup.agent.send(deploy("high")).await.expect(201);
    setup.driver.deliver_next().await;
    assert_eq!((setup.sent(), setup.service.pushed()[0].header("urgency")), (1, "high"));
    setup.planned(2).await;
    setup.nothing_is_queued().await;
    // The end is a whole minute, and real time passes as well.
    setup.after(6 * 3600 - 180).await;
    setup.nothing_is_queued().await;
    setup.after(180).await;
    setup.driver.deliver_next().await;
    assert_eq!(setup.sent(), 2);
    // What would have expired by then never notifies.
    setup.world.advance_clock(Duration::from_secs(17 * 3600));
    let review = json!({ "type": "approval", "expiresInSeconds": 3600 });
    setup.agent.send(json!({ "text": "?", "review": review })).await.expect(201);
    setup.agent.send(deploy("high")).await.expect(201);
    setup.driver.deliver_next().await;
    assert_eq!((setup.sent(), setup.planned(3).await.len()), (3, 3));
    // With no exception, high risk waits as well.
    let mut strict = quiet.clone();
    strict["minRisk"] = Value::Null;
    prefer(&setup.person, json!({ "quietHours": strict })).await.expect(200);
    setup.agent.send(deploy("high")).await.expect(201);
    setup.planned(4).await;
    setup.nothing_is_queued().await;
}

#[tokio::test]
async fn quiet_hours_that_begin_during_the_delay_count_as_well() {
    let setup = Setup::start(json!({})).await;
    setup.agent.request_approval().await;
    let message = setup.driver.next().await;
    prefer(&setup.person, json!({ "quietHours": quiet_for_two_hours(&setup.world) })).await.expect(200);
    assert!(setup.driver.deliver(&message).await, "another message follows");
    assert_eq!(setup.sent(), 0);
    setup.after(2 * 3600).await;
    setup.driver.deliver_next().await;
    assert_eq!(setup.sent(), 1);
}

#[tokio::test]
async fn a_muted_agent_does_not_notify_until_its_time_is_over() {
    let setup = Setup::start(json!({})).await;
    let muted = set_agent(&setup.person, &setup.agent, json!({ "muteForSeconds": 3600 })).await.expect(200);
    assert!(muted["mutedUntil"].is_string());
    let other = setup.person.agent().await;
    setup.agent.send(deploy("high")).await.expect(201);
    other.send(deploy("low")).await.expect(201);
    setup.driver.deliver_next().await;
    setup.nothing_is_queued().await;
    assert_eq!((setup.sent(), setup.planned(1).await.len()), (1, 1));
    setup.world.advance_clock(Duration::from_secs(3601));
    setup.agent.send(deploy("low")).await.expect(201);
    setup.driver.deliver_next().await;
    assert_eq!(setup.sent(), 2);
    // Muting in between holds back what is queued.
    setup.agent.send(deploy("low")).await.expect(201);
    let message = setup.driver.next().await;
    set_agent(&setup.person, &setup.agent, json!({ "muteForSeconds": 60 })).await.expect(200);
    assert!(setup.driver.deliver(&message).await);
    let unmuted = set_agent(&setup.person, &setup.agent, json!({ "mutedUntil": null })).await.expect(200);
    assert_eq!((&unmuted["mutedUntil"], setup.sent()), (&Value::Null, 2));
}

#[tokio::test]
async fn one_agent_may_differ_from_all_others_in_each_member() {
    let setup = Setup::start(json!({ "push": { "minRisk": "high" } })).await;
    let other = setup.person.agent().await;
    set_agent(&setup.person, &setup.agent, json!({ "push": { "minRisk": "low" } })).await.expect(200);
    other.send(deploy("medium")).await.expect(201);
    setup.agent.send(deploy("low")).await.expect(201);
    setup.driver.deliver_next().await;
    assert_eq!((setup.sent(), setup.planned(1).await.len()), (1, 1));
    set_agent(&setup.person, &setup.agent, json!({ "push": { "enabled": false } })).await.expect(200);
    setup.agent.send(deploy("high")).await.expect(201);
    other.send(deploy("high")).await.expect(201);
    setup.driver.deliver_next().await;
    assert_eq!((setup.sent(), setup.planned(2).await.len()), (2, 2));
    // Off for all agents, and on for one: requests of others do not end that.
    prefer(&setup.person, json!({ "push": { "enabled": false } })).await.expect(200);
    let on = json!({ "push": { "enabled": true } });
    let set = set_agent(&setup.person, &setup.agent, on).await.expect(200);
    assert_eq!(set["push"], json!({ "enabled": true, "minRisk": "low", "afterSeconds": null }));
    other.send(deploy("high")).await.expect(201);
    setup.agent.send(deploy("low")).await.expect(201);
    setup.driver.deliver_next().await;
    assert_eq!((setup.sent(), setup.planned(3).await.len()), (3, 3));
}

#[tokio::test]
async fn preferences_that_are_not_valid_are_refused_with_every_problem() {
    let world = World::start().await;
    let person = world.person().await;
    let wrong = json!({
        "push": { "afterSeconds": -1 }, "remindAfterSeconds": 5,
        "quietHours": { "from": "7:00", "to": "25:00", "timeZone": "Atlantis", "minRisk": "huge" },
    });
    let paths = prefer(&person, wrong).await.expect_invalid();
    let quiet = "notifications.quietHours";
    let expected = [
        "notifications.push.afterSeconds".to_owned(),
        format!("{quiet}.timeZone"),
        format!("{quiet}.from"),
        format!("{quiet}.to"),
        format!("{quiet}.minRisk"),
        "notifications.remindAfterSeconds".to_owned(),
    ];
    let sorted = |paths: &[String]| {
        let mut paths = paths.to_vec();
        paths.sort();
        paths
    };
    assert_eq!(sorted(&paths), sorted(&expected));
    let same = json!({ "quietHours": { "from": "07:00", "to": "07:00", "timeZone": "Europe/Berlin" } });
    assert_eq!(prefer(&person, same).await.expect_invalid(), ["notifications.quietHours.to"]);
    let agent = person.agent().await;
    let too_long = json!({ "muteForSeconds": 31 * 24 * 3600, "push": { "minRisk": "x" } });
    assert_eq!(set_agent(&person, &agent, too_long).await.expect_invalid().len(), 2);
}

#[tokio::test]
async fn quiet_hours_and_reminders_are_set_and_cleared() {
    let world = World::start().await;
    let person = world.person().await;
    let quiet = json!({ "from": "22:00", "to": "07:00", "timeZone": "europe/berlin" });
    prefer(&person, json!({ "quietHours": quiet, "remindAfterSeconds": 900 })).await.expect(200);
    let stored = person.get("/api/preferences").await.expect(200)["notifications"].clone();
    let shown = json!({ "from": "22:00", "to": "07:00", "timeZone": "Europe/Berlin", "minRisk": "high" });
    assert_eq!((&stored["quietHours"], &stored["remindAfterSeconds"]), (&shown, &json!(900)));
    let cleared = prefer(&person, json!({ "quietHours": null, "remindAfterSeconds": null })).await.expect(200);
    assert_eq!(cleared["notifications"]["quietHours"], Value::Null);
    assert_eq!(cleared["notifications"]["remindAfterSeconds"], Value::Null);
}

#[tokio::test]
async fn the_preferences_of_an_agent_are_its_owners_alone() {
    let world = World::start().await;
    let (anna, ben) = (world.person().await, world.member().await);
    let agent = anna.agent().await;
    let path = format!("/api/agents/{}/notifications", agent.channel);
    let nothing = json!({ "enabled": null, "minRisk": null, "afterSeconds": null });
    assert_eq!(
        anna.get(&path).await.expect(200),
        json!({ "mutedUntil": null, "push": nothing, "email": nothing, "webhook": nothing })
    );
    ben.get(&path).await.expect_error(404, "not_found");
    set_agent(&ben, &agent, json!({ "muteForSeconds": 60 })).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn what_preferences_cost() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let path = format!("/api/agents/{}/notifications", agent.channel);
    assert_eq!(person.get(&path).await.calls_and_round_trips(), (1, 1));
    let set = set_agent(&person, &agent, json!({ "muteForSeconds": 60 })).await;
    assert_eq!(set.calls_and_round_trips(), (2, 2));
}
