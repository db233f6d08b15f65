//! `placet hook`: asks whether a coding agent may use a tool, and holds until a person has answered.
//!
//! Only a decision that the service gave ends with 0. Whatever else happens ends with 2, which blocks the tool.

use std::io::{Read, stdin};
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::api::{Api, MAX_REQUEST, Reply, random_key};
use crate::exit::{BLOCKED, Ended, Trouble, explain, print};
use crate::options::{Hook, Program};

/// How long before the program's own time-out, which would let the tool run, the service holds no call any more.
const MARGIN: Duration = Duration::from_secs(5);
/// How much of that the last answer may take.
const MAX_REPLY: Duration = Duration::from_secs(2);
/// And how much the program, to write how it ended.
const MAX_WRITE: Duration = Duration::from_secs(1);
const LATE: &str = "There was no answer in time; the tool was not used.";
/// How long the service holds one call.
const HOLD: Duration = Duration::from_secs(25);
/// How long the service may be out of reach.
const MAX_OUTAGE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(500);
const MAX_INPUT: u64 = 4_500_000;

/// What the service answered about the call.
enum Answer {
    Decided,
    /// Nobody has answered yet; the program may defer the call.
    Deferred,
    Open,
}

pub fn run(options: &Hook) -> Result<Ended, Trouble> {
    // Before anything is read that may keep the program waiting.
    let deadline = Deadline::start(Duration::from_secs(options.timeout).saturating_sub(MARGIN))?;
    let mut input = String::new();
    let read = stdin().take(MAX_INPUT).read_to_string(&mut input);
    read.map_err(|error| Trouble::new(format!("Standard input cannot be read: {error}.")))?;
    let api = Api::load()?;
    let path = match options.program {
        Program::ClaudeCode => "/api/v1/hooks/claude-code",
        Program::Codex => "/api/v1/hooks/codex",
    };
    // A repeat of this call gets the answer that an earlier one may have lost.
    let key = random_key()?;
    let mut reached = Instant::now();
    loop {
        let left = deadline.left();
        let hold = left.min(HOLD).as_millis().max(1).to_string();
        let mut query = vec![("timeout", hold.as_str())];
        query.extend(api.settings.channel.as_deref().map(|channel| ("channel", channel)));
        query.extend(options.defer.then_some(("mode", "defer")));
        let limit = (left + MAX_REPLY).min(MAX_REQUEST);
        let pause = match api.try_post(path, &query, &[("idempotency-key", &key)], &input, limit) {
            Ok(reply) if !reply.is_temporary() => match judged(&reply)? {
                Answer::Decided => return deadline.print(reply.text.trim()),
                Answer::Deferred if left < HOLD => return deadline.print(reply.text.trim()),
                Answer::Deferred | Answer::Open => {
                    reached = Instant::now();
                    Duration::ZERO
                }
            },
            Ok(reply) if reached.elapsed() > MAX_OUTAGE => return Err(trouble_of(&reply)),
            Ok(reply) => reply.retry_after.unwrap_or(PAUSE),
            Err(trouble) if reached.elapsed() > MAX_OUTAGE => return Err(trouble),
            Err(_) => PAUSE,
        };
        if deadline.left() <= pause {
            return Err(Trouble::new(LATE));
        }
        sleep(pause);
    }
}

/// Ends the program with 2 in time, whatever it waits for: a call, its input, the platform's keyring.
struct Deadline {
    /// Until when calls are held.
    at: Instant,
    /// Whether the decision is being printed, or the time is over: whichever came first.
    is_ending: Arc<AtomicBool>,
}

impl Deadline {
    fn start(after: Duration) -> Result<Self, Trouble> {
        let deadline = Self { at: Instant::now() + after, is_ending: Arc::default() };
        let is_ending = Arc::clone(&deadline.is_ending);
        run_at(deadline.at + MAX_REPLY, move || {
            if !is_ending.swap(true, Ordering::SeqCst) {
                explain(LATE);
                exit(i32::from(BLOCKED));
            }
        })?;
        // Also when nobody reads what the program writes.
        run_at(deadline.at + MAX_REPLY + MAX_WRITE, || exit(i32::from(BLOCKED)))?;
        Ok(deadline)
    }

    fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// Prints a decision, if there is time left.
    fn print(&self, decision: &str) -> Result<Ended, Trouble> {
        if self.is_ending.swap(true, Ordering::SeqCst) {
            return Err(Trouble::new(LATE));
        }
        print(decision).map(|()| Ended::Done)
    }
}

fn run_at(time: Instant, act: impl FnOnce() + Send + 'static) -> Result<(), Trouble> {
    let sleeping = move || {
        sleep(time.saturating_duration_since(Instant::now()));
        act();
    };
    let started = thread::Builder::new().spawn(sleeping);
    started.map(drop).map_err(|error| Trouble::new(format!("The system starts no thread: {error}.")))
}

/// Reads a decision; what is none the tool is not used for.
fn judged(reply: &Reply) -> Result<Answer, Trouble> {
    let body = reply.json()?;
    let strange = || Trouble::new("The service did not answer as a hook's does.");
    let output = match body.as_object() {
        Some(members) if members.is_empty() => return Ok(Answer::Open),
        _ => &body["hookSpecificOutput"],
    };
    let behavior = output["decision"]["behavior"].as_str();
    match (output["hookEventName"].as_str(), behavior.or(output["permissionDecision"].as_str())) {
        (Some("PermissionRequest" | "PreToolUse"), Some("allow" | "deny")) => Ok(Answer::Decided),
        (Some("PreToolUse"), Some("defer")) => Ok(Answer::Deferred),
        (Some("PreToolUse"), Some("ask")) => Ok(Answer::Open),
        _ => Err(strange()),
    }
}

fn trouble_of(reply: &Reply) -> Trouble {
    match reply.json() {
        Err(trouble) => trouble,
        Ok(Value::Null | _) => Trouble::new("The service did not answer as a hook's does."),
    }
}
