//! A clock that was set back while nothing ran: new ids sort behind those that are stored.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

use placet_local::engines::{DATABASE, Engines};
use placet_local::server;
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::config::MAX_WAIT;
use shared::long_poll::LongPolls;
use tempfile::TempDir;
use test_support::{Agent, Runner, secrets};
use tokio::sync::watch;

const HOUR: Duration = Duration::from_secs(3600);

/// Stores a message and a file as a runner does whose clock is an hour ahead, and leaves the data as that runner does.
async fn store_an_hour_ahead(dir: &Path, agent: &Agent) -> [String; 2] {
    let engines = Engines::start(dir).await.unwrap();
    let (stop, stopping) = watch::channel(false);
    let clock = Clock::adjustable();
    clock.advance(HOUR);
    let app = engines.app(clock, LongPolls::new(MAX_WAIT, stopping.clone()), secrets()).await.unwrap();
    let listener = server::bind([127, 0, 0, 1].into(), 0).await.unwrap();
    let there = agent.at(&server::url(&listener).unwrap());
    let serving = tokio::spawn(server::serve(listener, shared::http::service(placet_local::routes(), app), stopping));
    let stored = [there.create_message(json!({ "text": "an hour ahead" })).await, there.store_file().await];
    stop.send(true).unwrap();
    serving.await.unwrap().unwrap();
    engines.stop().await;
    // The last connection writes its log into the database when it ends.
    let log = dir.join(format!("{DATABASE}-wal"));
    let is_closed = async {
        while log.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await
        }
    };
    tokio::time::timeout(Duration::from_secs(20), is_closed).await.expect("the database is closed");
    let database = File::options().write(true).open(dir.join(DATABASE)).unwrap();
    database.set_modified(SystemTime::now() + HOUR).unwrap();
    stored
}

/// The ids in a list, the newest first.
async fn ids(agent: &Agent, path: &str) -> Vec<String> {
    let listed = agent.get_in_channel(path).await.expect(200);
    let listed = listed.get("data").unwrap_or(&listed).as_array().unwrap().clone();
    listed.iter().map(|it: &Value| it["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_never_sort_before_the_channels_last_after_a_restart_with_a_clock_set_back() {
    let dir = TempDir::new().unwrap();
    let mut runner = Runner::start(dir.path()).await;
    assert_eq!(runner.terminate().await, Some(0));
    let [message, file] = store_an_hour_ahead(dir.path(), &runner.agent()).await;

    let (mut messages, mut files) = (vec![message], vec![file]);
    for stops_cleanly in [true, false, true] {
        let mut runner = Runner::start(dir.path()).await;
        let agent = runner.agent();
        for _ in 0..2 {
            messages.insert(0, agent.create_message(json!({ "text": "now" })).await);
            files.insert(0, agent.store_file().await);
        }
        assert_eq!(ids(&agent, "/api/v1/messages").await[..messages.len()], messages);
        assert_eq!(ids(&agent, "/api/v1/files").await[..files.len()], files);
        if stops_cleanly {
            assert_eq!(runner.terminate().await, Some(0));
        } else {
            runner.kill().await;
        }
    }
}
