//! Held waits of `placet-local`: the stream of its table ends them, so they do not look at the table.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use tempfile::TempDir;
use test_support::{Agent, Reply, Runner};

/// Well below the 20 s after which a held wait looks.
const SOON: Duration = Duration::from_secs(12);

/// Holds a wait until `change` has ended it; gives its reply.
async fn wait_for(agent: &Agent, id: &str, change: impl Future<Output = Reply>) -> Reply {
    let (waited, ended) = tokio::join!(agent.wait(id, 19_000), async {
        // The wait began before this one, which has been held.
        agent.wait(id, 200).await.expect(200);
        change.await.expect(200);
        Instant::now()
    });
    assert!(ended.elapsed() < SOON, "{:?}", ended.elapsed());
    waited
}

#[tokio::test]
async fn a_deletion_of_the_message_or_of_its_agent_ends_a_wait() {
    let dir = TempDir::new().unwrap();
    let runner = Runner::start(dir.path()).await;
    let (person, agent) = (runner.person().await, runner.agent());
    let id = agent.request_approval().await;
    let path = format!("/api/v1/messages/{id}");
    wait_for(&agent, &id, agent.delete_in_channel(&path)).await.expect_error(404, "not_found");
    let other = person.agent().await;
    let id = other.request_approval().await;
    let path = format!("/api/agents/{}", other.channel);
    wait_for(&other, &id, person.delete(&path)).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn an_expiry_and_a_successor_end_a_wait() {
    let dir = TempDir::new().unwrap();
    let runner = Runner::start(dir.path()).await;
    let agent = runner.agent();
    let began = Instant::now();
    let id = agent.create_message(json!({ "review": { "type": "approval", "expiresInSeconds": 1 } })).await;
    assert_eq!(agent.wait(&id, 19_000).await.expect(200)["status"], "expired");
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    let id = agent.request_approval().await;
    let (waited, cancelled) = tokio::join!(agent.wait(&id, 19_000), async {
        agent.wait(&id, 200).await.expect(200);
        let successor = json!({ "supersedes": id, "review": { "type": "approval" } });
        agent.send(successor).await.expect(201);
        Instant::now()
    });
    assert_eq!(waited.expect(200)["status"], "cancelled");
    assert!(cancelled.elapsed() < SOON, "{:?}", cancelled.elapsed());
}

/// A tenth of what `make soak` holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_that_stops_ends_every_held_wait() {
    let dir = TempDir::new().unwrap();
    let mut runner = Runner::start(dir.path()).await;
    let agent = runner.agent();
    let ids = join_all((0..10).map(|_| agent.request_approval())).await;
    let waits: Vec<_> = (0..100)
        .map(|number| {
            let (agent, id) = (agent.clone(), ids[number % ids.len()].clone());
            tokio::spawn(async move { agent.wait(&id, 29_000).await })
        })
        .collect();
    // Requests of one key are processed in order: once a later wait has ended, these are held.
    agent.wait(&ids[0], 1_500).await.expect(200);
    let began = Instant::now();
    assert_eq!(runner.terminate().await, Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    for waited in join_all(waits).await {
        assert_eq!(waited.unwrap().expect(200)["status"], "timeout");
    }
}
