//! `placet hook`: asks whether a coding agent may use a tool, and holds until a person has answered.
//!
//! Only a decision that the service gave ends with 0. Whatever else happens ends with 2, which blocks the tool.

use std::io::{Read, stdin};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::api::{Api, Reply};
use crate::exit::{Ended, Trouble, print};
use crate::options::{Hook, Program};

/// Time to end before the program's own time-out, which would let the tool run.
const MARGIN: Duration = Duration::from_secs(5);
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
    let until = Instant::now() + Duration::from_secs(options.timeout).saturating_sub(MARGIN);
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
        let left = until.saturating_duration_since(Instant::now());
        let hold = left.min(HOLD).as_millis().max(1).to_string();
        let mut query = vec![("timeout", hold.as_str())];
        query.extend(api.settings.channel.as_deref().map(|channel| ("channel", channel)));
        query.extend(options.defer.then_some(("mode", "defer")));
        let pause = match api.try_post(path, &query, &[("idempotency-key", &key)], &input) {
            Ok(reply) if !reply.is_temporary() => match judged(&reply)? {
                Answer::Decided => return print(reply.text.trim()).map(|()| Ended::Done),
                Answer::Deferred if left < HOLD => return print(reply.text.trim()).map(|()| Ended::Done),
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
        let left = until.saturating_duration_since(Instant::now());
        if left <= pause {
            return Err(Trouble::new("Nobody has answered in time; the tool was not used."));
        }
        sleep(pause);
    }
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

fn random_key() -> Result<String, Trouble> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Trouble::new("The system has no random numbers."))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
