//! Answering, expiring and deleting one review at once: one outcome, and everybody agrees on it.

use std::time::Duration;

use futures_util::future::join_all;
use placet_tests::{Agent, Person, World};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// How often; half as often on LocalStack.
const ROUNDS: usize = 100;
const SIDE_BY_SIDE: usize = 8;

/// What one round ended with: what the table has, and what each of those who were there was told.
#[derive(Debug)]
struct Round {
    /// `None`: deleted.
    stored: Option<Value>,
    answer: u16,
    delete: u16,
    waited: Value,
    read: Value,
}

/// Lets others go first, by as much as the round's number says.
async fn pause(number: usize, step: usize) {
    tokio::time::sleep(Duration::from_millis((number * step % 97) as u64)).await;
}

async fn asked(agent: &Agent) -> String {
    agent.sent(json!({ "text": "?", "review": { "type": "freeform", "expiresInSeconds": 60 } })).await
}

/// Everyone on one review, in an order that the round's number changes.
async fn round(person: &Person, agent: &Agent, id: &str, number: usize, answered: &Semaphore) -> Round {
    let (review, message) = (format!("/api/v1/reviews/{id}"), format!("/api/v1/messages/{id}"));
    let answer = async {
        pause(number, 7).await;
        let status = person.answer(id, json!({ "number": number })).await.status;
        answered.add_permits(1);
        status
    };
    let delete = async {
        // In two of three rounds nobody deletes.
        if !number.is_multiple_of(3) {
            return 0;
        }
        pause(number, 31).await;
        agent.delete_here(&message).await.status
    };
    let read = async {
        pause(number, 3).await;
        agent.get_here(&review).await
    };
    let (waited, answer, delete, read) = tokio::join!(agent.wait(id, 20_000), answer, delete, read);
    let stored = agent.get_here(&review).await;
    let stored = (stored.status == 200).then(|| stored.expect(200)["review"].clone());
    let told = |status: u16, body: Value| if status == 404 { json!("gone") } else { body };
    let waited = told(waited.status, waited.json()["status"].clone());
    let read = told(read.status, read.json()["review"]["status"].clone());
    Round { stored, answer, delete, waited, read }
}

/// Some rounds at once, in the middle of which their reviews fall due.
async fn rounds_at_once(world: &World, person: &Person, agent: &Agent, first: usize) -> Vec<Round> {
    let ids = join_all((0..SIDE_BY_SIDE).map(|_| asked(agent))).await;
    let answered = Semaphore::new(0);
    let rounds = ids.iter().enumerate().map(|(index, id)| round(person, agent, id, first + index, &answered));
    let expire = async {
        // Once none to seven have been answered: the others are on their way.
        let some = answered.acquire_many((first / SIDE_BY_SIDE % SIDE_BY_SIDE) as u32).await.expect("it is open");
        drop(some);
        world.later(Duration::from_secs(60));
        let (one, other) = tokio::join!(expiry::handle(&world.app), expiry::handle(&world.app));
        assert_eq!((one.expect("a run").failed, other.expect("a run").failed), (0, 0));
    };
    tokio::join!(join_all(rounds), expire).0
}

/// Which outcomes a round's witnesses may have been told.
fn check(round: &Round, number: usize) {
    let Round { stored, answer, delete, waited, read } = round;
    let outcome = match stored {
        // A deletion ends what came before it, whatever that was.
        None => {
            assert_eq!(*delete, 200, "{round:?}");
            for told in [waited, read] {
                assert!(*told != json!("completed") || *answer == 201, "{round:?}");
                assert!(*told != json!("expired") || *answer != 201, "{round:?}");
            }
            return assert!([json!("gone"), json!("completed"), json!("expired")].contains(waited), "{round:?}");
        }
        Some(review) => review["status"].as_str().unwrap().to_owned(),
    };
    assert!([0, 404].contains(delete), "a deleted review is still there: {round:?}");
    assert_eq!(outcome == "completed", *answer == 201, "{round:?}");
    assert_eq!(*waited, json!(outcome), "{round:?}");
    assert!(*read == json!("pending") || *read == json!(outcome), "{round:?}");
    let response = stored.as_ref().map(|review| review["response"].clone());
    let expected = if outcome == "completed" { json!({ "number": number }) } else { Value::Null };
    assert_eq!(response, Some(expected), "{round:?}");
}

#[allow(clippy::print_stdout, reason = "the figures are what the test is asked for")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answering_expiring_and_deleting_at_once_have_one_outcome() {
    let world = World::alone().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let rounds = if world.database().is_some() { ROUNDS } else { ROUNDS / 2 };
    let began = std::time::Instant::now();
    let mut ended = vec![];
    while ended.len() < rounds {
        let first = ended.len();
        for (index, round) in rounds_at_once(&world, &person, &agent, first).await.into_iter().enumerate() {
            check(&round, first + index);
            ended.push(round);
        }
    }
    let rounds = ended.len();
    let count = |is: &dyn Fn(&Round) -> bool| ended.iter().filter(|round| is(round)).count();
    let status = |round: &Round| round.stored.as_ref().map(|review| review["status"].clone());
    let completed = count(&|round| status(round) == Some(json!("completed")));
    let expired = count(&|round| status(round) == Some(json!("expired")));
    let deleted = count(&|round| round.stored.is_none());
    println!("{rounds} rounds in {:?}: {completed} answered, {expired} expired, {deleted} deleted", began.elapsed());
    assert_eq!(completed + expired + deleted, rounds);
    assert!(completed > 0 && expired > 0 && deleted > 0, "each of them wins sometimes");
}
