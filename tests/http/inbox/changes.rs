//! `GET /api/changes`: the version of a person's inbox, and waiting for it to change.

use std::time::{Duration, Instant};

use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use placet_local::event_sources::Workers;
use reqwest::Method;
use serde_json::{Value, json};
use shared::aws::Clients;
use shared::http::App;
use test_support::fault_injection::FaultyProxy;
use test_support::{Person, Reply, World};
use tokio::sync::mpsc;

use crate::webhooks::event_stream::stream_source;

/// The table's stream, which a test passes to `events` batch by batch.
struct StreamDriver<'a> {
    world: &'a World,
    records: mpsc::UnboundedReceiver<Event>,
    marks: usize,
    _workers: Workers,
}

impl<'a> StreamDriver<'a> {
    async fn start(world: &'a World) -> Self {
        let (source, _) = stream_source(world).await;
        let (sender, records) = mpsc::unbounded_channel();
        let mut workers = Workers::default();
        workers.start(|stop| {
            source.consume(stop, move |event: Event| {
                sender.send(event).unwrap();
                std::future::ready(DynamoDbEventResponse::default())
            })
        });
        Self { world, records, marks: 0, _workers: workers }
    }

    /// All records since the last call, as one batch. Writes a marker item and reads up to its record.
    async fn next_batch(&mut self) -> Event {
        self.marks += 1;
        let mark = format!("MARK {}", self.marks);
        let put =
            self.world.write_notifier.observe(&self.world.clients.dynamodb).put_item().table_name(&self.world.table);
        let put = put.item("pk", AttributeValue::S("TEST MARKERS".into())).item("sk", AttributeValue::S(mark.clone()));
        put.send().await.unwrap();
        let mut all = Event::default();
        loop {
            let event = self.records.recv().await.expect("the stream continues");
            let has_mark = event.records.iter().any(|record| {
                let keys = serde_json::to_value(&record.change.keys).unwrap();
                keys["sk"]["S"] == json!(mark)
            });
            all.records.extend(event.records);
            if has_mark {
                return all;
            }
        }
    }

    async fn process_events(&mut self) {
        let event = self.next_batch().await;
        assert!(events::handle(&self.world.function("events"), event).await.batch_item_failures.is_empty());
    }
}

async fn sequence(person: &Person) -> u64 {
    person.get("/api/changes").await.expect(200)["sequence"].as_u64().unwrap()
}

async fn wait_for_change(person: &Person, since: u64, timeout: &str) -> Reply {
    person.get(&format!("/api/changes?since={since}&timeout={timeout}")).await
}

/// Calls that change what a person's inbox shows: whether an agent makes them, method, path and body.
fn visible_changes(channel: &str, review: &str, plain: &str, file: &str) -> Vec<(bool, Method, String, Value)> {
    let (agent, person) = (true, false);
    let ping = |status: &str| json!({ "agentId": channel, "status": status });
    let answer = json!({ "response": { "selectedOption": "approve" } });
    vec![
        (person, Method::POST, "/api/agents".into(), json!({ "name": "another" })),
        (person, Method::PATCH, format!("/api/agents/{channel}"), json!({ "name": "renamed" })),
        (agent, Method::POST, "/api/v1/status/ping".into(), ping("busy")),
        (person, Method::POST, format!("/api/agents/{channel}/read"), json!({})),
        (agent, Method::POST, "/api/v1/messages".into(), json!({ "channelId": channel, "text": "news" })),
        (person, Method::POST, "/api/messages".into(), json!({ "channelId": channel, "text": "hi" })),
        (person, Method::GET, format!("/api/messages/{review}"), json!({})),
        (person, Method::POST, format!("/api/messages/{review}/respond"), answer),
        (agent, Method::POST, format!("/api/v1/messages/{review}/ack?channel={channel}"), json!({})),
        (agent, Method::DELETE, format!("/api/v1/messages/{plain}?channel={channel}"), json!({})),
        (agent, Method::POST, "/api/v1/files/store-text".into(), json!({ "channelId": channel, "content": "x" })),
        (person, Method::DELETE, format!("/api/files/{file}"), json!({})),
        (person, Method::DELETE, format!("/api/agents/{channel}"), json!({})),
    ]
}

#[tokio::test]
async fn every_visible_change_bumps_the_version_of_its_person_only() {
    let world = World::isolated().await;
    let mut stream = StreamDriver::start(&world).await;
    let (person, other) = (world.person().await, world.person().await);
    let (agent, _) = (person.agent().await, other.agent().await);
    let (review, plain, file) =
        (agent.request_approval().await, agent.create_message(json!({ "text": "x" })).await, agent.store_file().await);
    stream.process_events().await;
    let (mut before, others) = (sequence(&person).await, sequence(&other).await);
    assert!(before > 0 && others > 0);
    for (as_agent, method, path, body) in visible_changes(&agent.channel, &review, &plain, &file) {
        let request = match as_agent {
            true => agent.request(method.clone(), &path),
            false => person.request(method.clone(), &path),
        };
        let reply = Reply::fetch(request.json(&body)).await;
        assert!(reply.status < 300, "{method} {path}: {}", reply.text());
        stream.process_events().await;
        let now = sequence(&person).await;
        // One batch bumps the version once, however many items changed.
        assert_eq!(now, before + 1, "{method} {path}");
        before = now;
    }
    assert_eq!(sequence(&other).await, others);
}

#[tokio::test]
async fn an_expiry_bumps_the_version_and_invisible_changes_do_not() {
    let world = World::isolated().await;
    let mut stream = StreamDriver::start(&world).await;
    let person = world.person().await;
    let agent = person.agent().await;
    agent.create_message(json!({ "review": { "type": "approval", "expiresInSeconds": 60 } })).await;
    let ping = json!({ "agentId": agent.channel, "status": "busy" });
    agent.post("/api/v1/status/ping", ping.clone()).await.expect(201);
    stream.process_events().await;
    let before = sequence(&person).await;
    // A repeated ping, keys, sessions, preferences, logs and counts.
    agent.post("/api/v1/status/ping", ping).await.expect(201);
    person.post("/api/api-keys", json!({})).await.expect(201);
    person.sign_in().await.expect(200);
    let theme = person.request(Method::PATCH, "/api/preferences").json(&json!({ "theme": "dark" }));
    Reply::fetch(theme).await.expect(200);
    crate::accounts::request_log::wait_for_log(&person, 3).await;
    stream.process_events().await;
    assert_eq!(sequence(&person).await, before);
    world.advance_clock(Duration::from_secs(60));
    assert_eq!(expiry::handle(&world.function("expiry")).await.unwrap().expired, 1);
    stream.process_events().await;
    assert_eq!(sequence(&person).await, before + 1);
}

#[tokio::test]
async fn a_failed_version_bump_is_repeated_with_its_record() {
    let world = World::isolated().await;
    let mut stream = StreamDriver::start(&world).await;
    let (ada, bob) = (world.person().await, world.person().await);
    let (first, second) = (ada.agent().await, bob.agent().await);
    stream.process_events().await;
    let before = (sequence(&ada).await, sequence(&bob).await);
    first.create_message(json!({ "text": "x" })).await;
    second.create_message(json!({ "text": "x" })).await;
    let event = stream.next_batch().await;
    let record_of = |agent: &str| {
        let shows = |keys: String| keys.contains("MESSAGE#") && keys.contains(agent.strip_prefix("agt_").unwrap());
        event.records.iter().find(|it| shows(serde_json::to_string(&it.change.keys).unwrap())).unwrap()
    };
    let (proxy, app) = app_with_proxy(&world).await;
    proxy.fail_all(true);
    let failures = events::handle(&app, event.clone()).await.batch_item_failures;
    proxy.fail_all(false);
    // The batch is retried from the first record whose bump failed.
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].item_identifier, record_of(&first.channel).change.sequence_number);
    for _ in 0..2 {
        assert!(events::handle(&app, event.clone()).await.batch_item_failures.is_empty());
    }
    // Repeated records bump the version again, which is harmless.
    assert!(sequence(&ada).await >= before.0 + 2 && sequence(&bob).await >= before.1 + 2);
    assert_ne!(record_of(&first.channel).change.sequence_number, record_of(&second.channel).change.sequence_number);
}

/// The service's state with a faulty proxy in front of its table.
async fn app_with_proxy(world: &World) -> (FaultyProxy, App) {
    let mut endpoints = world.endpoints_over_tcp().await;
    let proxy = FaultyProxy::start(&endpoints.dynamodb, 1).await;
    endpoints.dynamodb = proxy.url.clone();
    let (clock, waits) = (world.app.clock.clone(), world.app.long_polls.clone());
    let clients = Clients::at(&endpoints).await;
    (proxy, App::new(&clients, &world.table, world.bucket(), clock, waits, test_support::secrets()))
}

#[tokio::test]
async fn a_wait_returns_when_the_version_changes() {
    let world = World::delivering().await;
    let person = world.person().await;
    let agent = person.agent().await;
    // Wait until the creation of the agent is processed.
    let mut since = wait_for_change(&person, 0, "20000").await.expect(200)["sequence"].as_u64().unwrap();
    while let Some(next) =
        wait_for_change(&person, since, "700").await.expect(200)["sequence"].as_u64().filter(|it| *it > since)
    {
        since = next;
    }
    let began = Instant::now();
    let (changed, ()) = tokio::join!(wait_for_change(&person, since, "25000"), async {
        agent.request_approval().await;
    });
    assert!(changed.expect(200)["sequence"].as_u64().unwrap() > since);
    assert!(began.elapsed() < Duration::from_secs(24), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_stale_version_returns_at_once_and_the_current_one_waits() {
    let world = World::start().await;
    let person = world.person().await;
    let me = person.user_id().await.parse().unwrap();
    assert_eq!(sequence(&person).await, 0);
    world.app.store.inbox().bump_version(me).await.unwrap();
    world.app.store.inbox().bump_version(me).await.unwrap();
    // A version from the future occurs after a restore from a backup.
    for known in ["", "since=", "since=0", "since=1", "since=1000", "since=18446744073709551615"] {
        let reply = person.get(&format!("/api/changes?{known}")).await;
        assert_eq!((reply.expect(200), reply.cost().calls), (json!({ "sequence": 2 }), 1), "{known}");
    }
    let began = Instant::now();
    assert_eq!(wait_for_change(&person, 2, "300").await.expect(200), json!({ "sequence": 2 }));
    assert!(began.elapsed() >= Duration::from_millis(300));
    for known in ["x", "-1", "1.5", "18446744073709551616"] {
        assert_eq!(person.get(&format!("/api/changes?since={known}")).await.expect_invalid(), ["since"]);
    }
}

#[tokio::test]
async fn odd_timeouts_mean_the_maximum_and_shutdown_ends_every_wait() {
    let world = World::start().await;
    let person = world.person().await;
    let paths = ["", "&timeout=0", "&timeout=-5", "&timeout=soon", "&timeout=999999999", "&timeout=1e400"]
        .map(|query| format!("/api/changes?since=0{query}"));
    let waits = join_all(paths.iter().map(|path| person.get(path)));
    let still_held = async {
        wait_for_change(&person, 0, "600").await.expect(200);
        world.close.send(true).unwrap();
    };
    let (replies, ()) = tokio::join!(waits, still_held);
    for reply in replies {
        assert_eq!(reply.expect(200), json!({ "sequence": 0 }));
        assert!(reply.cost().calls >= 2, "the call was held: {:?}", reply.cost());
    }
}

#[tokio::test]
async fn a_poll_costs_half_a_unit_and_the_last_a_whole_one() {
    let world = World::start().await;
    let person = world.person().await;
    let cost = wait_for_change(&person, 0, "1000").await.cost();
    assert!((2..=12).contains(&cost.calls) && cost.round_trips == cost.calls, "{cost:?}");
    let polls = 0.5 * f64::from(cost.calls - 2) + 1.0;
    // The first call reads the session and two missing items, which cost a unit, but not on every emulator.
    assert!([1.0, 3.0].map(|first| first + polls).contains(&cost.units()), "{cost:?}");
}

#[tokio::test]
async fn a_wait_survives_brief_outages_and_reports_lasting_ones() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let me = person.user_id().await.parse().unwrap();
    let review = agent.request_approval().await;
    let (proxy, app) = app_with_proxy(&world).await;
    let url = world.serve_also(placet_local::routes(), app).await;
    let (faulty_person, faulty_agent) = (person.at(&url), test_support::Agent::new(&url, &agent.key, &agent.channel));
    let outage = async {
        // The outage lasts longer than the retries of one poll.
        while proxy.fault_counts().values().sum::<usize>() < 12 {
            let reply = wait_for_change(&person, 0, "200").await;
            reply.expect(200);
            proxy.fail_all(true);
        }
        proxy.fail_all(false);
        world.app.store.inbox().bump_version(me).await.unwrap();
        person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
    };
    let (changed, decided, ()) =
        tokio::join!(wait_for_change(&faulty_person, 0, "25000"), faulty_agent.wait(&review, 25_000), outage);
    assert_eq!(changed.expect(200), json!({ "sequence": 1 }));
    assert_eq!(decided.expect(200)["status"], "completed");

    let pending = agent.request_approval().await;
    let lasting_outage = async {
        wait_for_change(&person, 1, "300").await.expect(200);
        proxy.fail_all(true);
    };
    let (changed, decided, ()) =
        tokio::join!(wait_for_change(&faulty_person, 1, "1500"), faulty_agent.wait(&pending, 1500), lasting_outage);
    for reply in [changed, decided] {
        reply.expect_error(503, "storage_unavailable");
        assert!(reply.header("retry-after").parse::<u32>().is_ok());
    }
}
