//! Figures of sockets: memory of each connection, and how soon events come. Short series by default.

#![allow(clippy::print_stdout, reason = "the figures are for the developer")]

use std::time::Instant;

use placet_bench::process;
use serde_json::json;
use test_support::{Runner, SocketClient};

use crate::runner::sockets::start;

/// `PLACET_TEST_SOCKETS=1000` is the whole series.
#[tokio::test]
async fn many_connections_each_get_an_event_once_and_soon() {
    let count = count_from("PLACET_TEST_SOCKETS", 100);
    let (runner, _dir, _, agent) = start().await;
    let before = memory(&runner);
    let arguments = ["many", runner.text("url"), &agent.key, &agent.channel, &count.to_string()];
    let mut clients = SocketClient::run(&arguments);
    assert_eq!(clients.expect("ready").await, json!(count));
    let memory = memory(&runner).saturating_sub(before) / count;
    let (mut first, mut last) = (vec![], vec![]);
    for number in 0..20 {
        clients.emit("next", json!(null)).await;
        let (sent, began) = (now(), Instant::now());
        agent.create_message(json!({ "text": format!("Message {number}") })).await;
        let responded = sent + began.elapsed().as_secs_f64();
        let received = clients.expect("received").await;
        let times = received.as_array().unwrap().iter().map(|at| at.as_f64().unwrap() - responded);
        assert_eq!(times.len(), count);
        first.push(times.clone().fold(f64::INFINITY, f64::min));
        last.push(times.fold(f64::NEG_INFINITY, f64::max));
    }
    let [first, last] = [first, last].map(Millis::of);
    println!(
        "{count} sockets: {memory} bytes each; after the response the first event p50 {:.1} ms, the last {:.1} ms",
        first.p50, last.p50
    );
    // What the process keeps for all of them counts, too: the whole series shows 11 KB.
    let most = if count < 1000 { 256 } else { 32 } * 1024;
    assert!(memory < most, "{memory} bytes of each connection");
    assert!(first.p50 < 500.0, "{} ms", first.p50);
}

/// `PLACET_TEST_ANSWERS=200` is the whole series.
#[tokio::test]
async fn an_answer_is_announced_within_milliseconds() {
    let count = count_from("PLACET_TEST_ANSWERS", 20);
    let (runner, _dir, person, agent) = start().await;
    let mut client = SocketClient::run(&["many", runner.text("url"), &agent.key, &agent.channel, "1"]);
    assert_eq!(client.expect("ready").await, json!(1));
    let (mut from_request, mut from_response) = (vec![], vec![]);
    for _ in 0..count {
        client.emit("next", json!(null)).await;
        let review = agent.request_approval().await;
        client.expect("received").await;
        client.emit("next", json!(null)).await;
        let (sent, began) = (now(), Instant::now());
        person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
        let responded = sent + began.elapsed().as_secs_f64();
        let at = client.expect("received").await[0].as_f64().unwrap();
        from_request.push(at - sent);
        from_response.push(at - responded);
    }
    let [request, response] = [from_request, from_response].map(Millis::of);
    println!(
        "{count} answers: the event p50 {:.1} ms, p95 {:.1} ms after the request was sent",
        request.p50, request.p95
    );
    println!("and p50 {:.1} ms, p95 {:.1} ms after its response", response.p50, response.p95);
    assert!(request.p50 < 500.0, "{} ms", request.p50);
}

/// Percentiles in milliseconds.
struct Millis {
    p50: f64,
    p95: f64,
}

impl Millis {
    fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let at = |percent: usize| seconds[seconds.len() * percent / 100] * 1000.0;
        Self { p50: at(50), p95: at(95) }
    }
}

fn count_from(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Seconds since 1970, as the client counts.
fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Resident memory of the runner, in bytes.
fn memory(runner: &Runner) -> usize {
    process::memory(runner.child.id().unwrap(), "VmRSS") as usize * 1024
}
