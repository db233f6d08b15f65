//! Concurrent answer, expiry and deletion of one review: one outcome, one event and one webhook, on
//! which all callers agree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use futures_util::future::join_all;
use placet_local::event_sources::Workers;
use serde_json::{Value, json};
use shared::http::App;
use shared::outbound::Outbound;
use test_support::{Agent, Person, World, bulk_data};
use tokio::sync::Semaphore;

use crate::support::delivery_driver::set_agent_webhook;
use crate::support::receiver::{ReceivedRequest, Receiver};

/// The number of races: as many as `PLACET_TEST_RACES` says, else 100. On LocalStack a tenth, where every call takes
/// longer.
pub fn race_count(world: &World) -> usize {
    let wanted = std::env::var("PLACET_TEST_RACES").map_or(100, |text| text.parse().expect("a number"));
    if world.database().is_some() { wanted } else { wanted.div_ceil(10) }
}

/// Races at a time.
const CONCURRENCY: usize = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// The result of one race: the stored review, and the responses that each caller got.
#[derive(Debug)]
struct Race {
    id: String,
    number: usize,
    /// `None` if the review was deleted.
    stored: Option<Value>,
    answer: u16,
    delete: u16,
    /// Even races have a wait, odd ones a read.
    waited: Option<Value>,
    read: Option<Value>,
}

/// A delay that depends on the race's number, which varies the order of the callers.
pub async fn delay(number: usize, step: usize) {
    tokio::time::sleep(Duration::from_millis((number * step % 97) as u64)).await;
}

/// Who is first in a race. In some races that is certain, so that each outcome occurs however slow the engine
/// is; in the others it is the call that the engine serves first.
pub struct HeadStart {
    first: Option<&'static str>,
    /// Closed once the first has ended.
    ended: Semaphore,
}

impl HeadStart {
    /// The start of race `number` between the contenders, each of which is certainly first in one of a hundred races.
    pub fn new(number: usize, contenders: &[&'static str]) -> HeadStart {
        HeadStart { first: contenders.get(number % 100).copied(), ended: Semaphore::new(0) }
    }

    pub fn is_certain_for(&self, contender: &str) -> bool {
        self.first == Some(contender)
    }

    /// Runs the call of a contender: at once, or after that of the one who is certainly first.
    pub async fn run<T>(&self, contender: &str, call: impl Future<Output = T>) -> T {
        if self.first.is_some() && !self.is_certain_for(contender) {
            self.wait().await;
        }
        let result = call.await;
        self.end(contender);
        result
    }

    /// Waits until the one who is certainly first has ended.
    async fn wait(&self) {
        // Nobody gets a permit; the error says that the semaphore is closed.
        self.ended.acquire().await.expect_err("closed");
    }

    /// Runs a call that takes part in all these races: after the others who are certainly first.
    pub async fn run_for_all<T>(starts: &[HeadStart], contender: &str, call: impl Future<Output = T>) -> T {
        for start in starts.iter().filter(|start| start.first.is_some() && !start.is_certain_for(contender)) {
            start.wait().await;
        }
        let result = call.await;
        starts.iter().for_each(|start| start.end(contender));
        result
    }

    /// Lets the others begin if this contender is the one they wait for.
    fn end(&self, contender: &str) {
        if self.is_certain_for(contender) {
            self.ended.close();
        }
    }
}

/// Creates reviews: one through the service, the others as copies, which is faster.
pub async fn create_reviews(world: &World, agent: &Agent, count: usize) -> Vec<String> {
    let review = json!({ "type": "freeform", "expiresInSeconds": 60 });
    let review_id = agent.create_message(json!({ "text": "?", "review": review })).await;
    let mut ids = bulk_data::copy_messages(world, &[&review_id], count - 1).await;
    ids.push(review_id);
    ids
}

/// Runs all callers on one review, in an order that depends on the race's number.
async fn run_race(
    (person, agent): (&Person, &Agent),
    id: &str,
    number: usize,
    start: &HeadStart,
    answered: &Semaphore,
) -> Race {
    let (review, message) = (format!("/api/v1/reviews/{id}"), format!("/api/v1/messages/{id}"));
    let answer = start.run("answer", async {
        delay(number, 7).await;
        let status = person.answer(id, json!({ "number": number })).await.status;
        answered.add_permits(1);
        status
    });
    let delete = start.run("delete", async {
        // Every third race has a deletion.
        if !number.is_multiple_of(3) && !start.is_certain_for("delete") {
            return 0;
        }
        delay(number, 31).await;
        agent.delete_in_channel(&message).await.status
    });
    let read = async {
        if number.is_multiple_of(2) {
            return None;
        }
        delay(number, 3).await;
        Some(agent.get_in_channel(&review).await)
    };
    let wait = async { if number.is_multiple_of(2) { Some(agent.wait(id, 25_000).await) } else { None } };
    let (waited, answer, delete, read) = tokio::join!(wait, answer, delete, read);
    let outcome = |status: u16, body: Value| if status == 404 { json!("gone") } else { body };
    let waited = waited.map(|waited| outcome(waited.status, waited.json()["status"].clone()));
    let read = read.map(|read| outcome(read.status, read.json()["review"]["status"].clone()));
    Race { id: id.to_owned(), number, stored: None, answer, delete, waited, read }
}

/// Runs several races concurrently, during which their reviews fall due.
async fn run_races(world: &World, person: &Person, agent: &Agent, first: usize) -> Vec<Race> {
    let ids = create_reviews(world, agent, CONCURRENCY).await;
    let answered = Semaphore::new(0);
    let starts: Vec<_> =
        (first..first + CONCURRENCY).map(|number| HeadStart::new(number, &["answer", "delete", "expiry"])).collect();
    let rounds = ids.iter().zip(&starts).enumerate();
    let rounds = rounds.map(|(index, (id, start))| run_race((person, agent), id, first + index, start, &answered));
    let expire = HeadStart::run_for_all(&starts, "expiry", async {
        // Expire after none to all but one have been answered; the other answers are in flight.
        let permits =
            answered.acquire_many((first / CONCURRENCY % CONCURRENCY) as u32).await.expect("the semaphore is open");
        drop(permits);
        world.advance_clock(MINUTE);
        let expiry_app = world.function("expiry");
        let (one, other) = tokio::join!(expiry::handle(&expiry_app), expiry::handle(&expiry_app));
        assert_eq!((one.expect("a run").failed, other.expect("a run").failed), (0, 0));
    });
    let mut rounds = tokio::join!(join_all(rounds), expire).0;
    let newest = agent.get_in_channel("/api/v1/messages?limit=100").await.expect(200)["data"].clone();
    let stored = |id: &str| newest.as_array().unwrap().iter().find(|it| it["id"] == id).map(|it| it["review"].clone());
    rounds.iter_mut().for_each(|round| round.stored = stored(&round.id));
    rounds
}

/// The statuses that each review changed to from pending, according to the stream.
pub type Decisions = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

fn record_decision(decisions: &Decisions, record: &EventRecord) {
    let image = |image: &serde_dynamo::Item| -> Value { serde_dynamo::from_item(image.clone()).unwrap_or_default() };
    let (old, new) = (image(&record.change.old_image), image(&record.change.new_image));
    let decided = ["completed", "expired", "cancelled"].into_iter().find(|it| new["review"]["status"] == *it);
    if let Some(decided) = decided
        && old["review"]["status"] == "pending"
    {
        let id = new["id"].as_str().unwrap().to_owned();
        decisions.lock().unwrap().entry(id).or_default().push(decided.to_owned());
    }
}

/// Starts workers that pass the stream to `events`, recording decisions, and the queue to `webhooks`.
pub async fn start_workers(world: &World, decisions: &Decisions) -> Workers {
    let (sources, urls) = world.sources().await;
    let on_queue = |name| App { outbound: Outbound::new(true), ..world.function(name).on_queue(&urls.deliveries) };
    let on_stream = on_queue("events");
    let sender = on_queue("webhooks").with_dead_letters(&urls.failed_deliveries);
    let (mut workers, decisions) = (Workers::default(), decisions.clone());
    workers.start(|stop| {
        sources.stream.consume(stop, move |event: Event| {
            let app = on_stream.clone();
            event.records.iter().for_each(|record| record_decision(&decisions, record));
            async move { events::handle(&app, event).await }
        })
    });
    workers.start(|stop| {
        sources.deliveries.consume(stop, move |event| {
            let app = sender.clone();
            async move { webhooks::handle(&app, event).await }
        })
    });
    workers
}

/// Asserts at most one outcome, with which every response agrees.
#[track_caller]
fn check(round: &Race, decided: &[String]) {
    let Race { stored, answer, delete, waited, read, .. } = round;
    assert!(decided.len() <= 1, "decided {decided:?}: {round:?}");
    let outcome = decided.first().map(String::as_str);
    assert_eq!(outcome == Some("completed"), *answer == 201, "{outcome:?}: {round:?}");
    let mut possible = vec![json!(outcome), json!("gone")];
    match stored {
        // A deletion may follow any outcome.
        None => assert_eq!(*delete, 200, "{round:?}"),
        Some(review) => {
            possible.pop();
            assert!([0, 404].contains(delete), "a deleted review still exists: {round:?}");
            assert_eq!(review["status"], json!(outcome), "{round:?}");
            let response = if *answer == 201 { json!({ "number": round.number }) } else { Value::Null };
            assert_eq!(review["response"], response, "{round:?}");
        }
    }
    if let Some(waited) = waited {
        assert!(!waited.is_null() && possible.contains(waited), "{outcome:?}: {round:?}");
    }
    if let Some(read) = read {
        assert!(!read.is_null() && (read == "pending" || possible.contains(read)), "{outcome:?}: {round:?}");
    }
}

/// Asserts one webhook-id for a decided review, and none for others.
#[track_caller]
fn check_webhooks(received: &[&ReceivedRequest], decided: &[String], round: &Race) {
    let ids: BTreeSet<_> = received.iter().map(|it| it.id()).collect();
    assert_eq!(ids.len(), decided.len(), "{decided:?} and {ids:?}: {round:?}");
    for body in received.iter().map(|it| it.json()) {
        let (event, response) = match decided[0].as_str() {
            "completed" => ("review:responded", json!({ "number": round.number })),
            _ => ("review:expired", Value::Null),
        };
        assert_eq!((&body["event"], &body["response"]), (&json!(event), &response), "{round:?}");
    }
}

/// Waits until the receiver has a request for every decision of the stream up to that of one last
/// review; returns all requests.
pub async fn all_received(receiver: &Receiver, decisions: &Decisions, last: &str) -> Vec<ReceivedRequest> {
    let has = |received: &[ReceivedRequest], id: &str| received.iter().any(|it| it.json()["message_id"] == id);
    let mut received = receiver.received();
    // Records arrive in order: with the last one, all decisions are known.
    while !has(&received, last) {
        received = receiver.wait_for(received.len() + 1).await;
    }
    let decided: BTreeSet<_> = decisions.lock().unwrap().keys().cloned().collect();
    loop {
        let ids: BTreeSet<_> = received.iter().map(|it| it.json()["message_id"].as_str().unwrap().to_owned()).collect();
        if ids.is_superset(&decided) {
            return received;
        }
        received = receiver.wait_for(received.len() + 1).await;
    }
}

#[allow(clippy::print_stdout, reason = "the counts are for the developer")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_answer_expiry_and_deletion_have_one_outcome_and_one_webhook() {
    let (world, receiver, decisions) = (World::isolated().await, Receiver::start([]).await, Decisions::default());
    let workers = start_workers(&world, &decisions).await;
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    let (rounds, began) = (race_count(&world), Instant::now());
    let mut ended = vec![];
    while ended.len() < rounds {
        ended.extend(run_races(&world, &person, &agent, ended.len()).await);
    }
    let last = create_reviews(&world, &agent, 1).await.remove(0);
    person.answer(&last, json!({})).await.expect(201);
    let raced = began.elapsed();
    let received = all_received(&receiver, &decisions, &last).await;
    workers.stop().await;

    let decisions = decisions.lock().unwrap();
    let mut webhooks = BTreeMap::<_, Vec<&ReceivedRequest>>::new();
    for one in &received {
        webhooks.entry(one.json()["message_id"].as_str().unwrap().to_owned()).or_default().push(one);
    }
    for round in &ended {
        let decided = decisions.get(&round.id).map_or(&[][..], Vec::as_slice);
        check(round, decided);
        check_webhooks(webhooks.get(&round.id).map_or(&[][..], Vec::as_slice), decided, round);
    }
    let count = |is: &str| ended.iter().filter(|it| decisions.get(&it.id).is_some_and(|all| all == &[is])).count();
    let (completed, expired, rounds) = (count("completed"), count("expired"), ended.len());
    let deleted = ended.iter().filter(|round| round.stored.is_none()).count();
    println!(
        "{rounds} races in {raced:?}: {completed} answered, {expired} expired, {} neither; {deleted} deleted; {} \
         webhooks for them, all after {:?}",
        rounds - completed - expired,
        received.len() - 1,
        began.elapsed()
    );
    assert!(completed > 0 && expired > 0 && deleted > 0 && completed + expired < rounds, "each outcome occurs");
}
