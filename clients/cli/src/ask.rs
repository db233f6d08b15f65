//! `placet ask` and `placet wait`

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::Api;
use crate::exit::{Ended, Trouble, print};
use crate::options::{Ask, Wait};

/// How long the service holds one wait.
const HOLD_MS: u64 = 25_000;
/// How long the service may be out of reach.
const MAX_OUTAGE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_secs(2);

pub fn ask(options: &Ask) -> Result<Ended, Trouble> {
    let api = Api::load()?;
    let args = match &options.args {
        None => json!({ "text": options.text }),
        Some(args) => serde_json::from_str(args).map_err(|_| Trouble::new("--args is not JSON."))?,
    };
    let mut action = json!({ "name": options.action, "args": args });
    if let Some(risk) = &options.risk {
        action["risk"] = json!(risk);
    }
    let mut review = json!({ "type": "approval", "payload": { "allowComment": true }, "action": action });
    if let Some(seconds) = options.expires {
        review["expiresInSeconds"] = json!(seconds);
    }
    let mut body = json!({ "channelId": api.channel()?, "text": options.text, "review": review });
    if let Some(id) = &options.client_id {
        body["clientId"] = json!(id);
    }
    let message = api.post("/api/v1/messages", &[], &body)?;
    let id = message["id"].as_str().ok_or_else(|| Trouble::new("The service sent no id."))?;
    if options.no_wait {
        print(id)?;
        return Ok(Ended::Done);
    }
    wait_for(&api, id, options.timeout)
}

pub fn wait(options: &Wait) -> Result<Ended, Trouble> {
    wait_for(&Api::load()?, &options.id, options.timeout)
}

/// Waits until a review is decided, and prints it.
fn wait_for(api: &Api, id: &str, timeout: Option<u64>) -> Result<Ended, Trouble> {
    let until = timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut reached = Instant::now();
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let hold = left.map_or(HOLD_MS, |left| u64::try_from(left.as_millis()).unwrap_or(HOLD_MS).clamp(1, HOLD_MS));
        let path = format!("/api/v1/reviews/{id}/wait");
        let pause = match api.try_get(&path, &[("timeout", &hold.to_string())]) {
            Ok(reply) if !reply.is_temporary() => {
                let waited = reply.json()?;
                if waited["status"] != "timeout" {
                    return ended(&waited["message"]);
                }
                reached = Instant::now();
                Duration::from_millis(waited["pollAfterMs"].as_u64().unwrap_or(0))
            }
            Ok(reply) if reached.elapsed() > MAX_OUTAGE => {
                return Err(Trouble::new(reply.json().err().map_or_else(String::new, |trouble| trouble.0)));
            }
            Ok(reply) => reply.retry_after.unwrap_or(PAUSE),
            Err(trouble) if reached.elapsed() > MAX_OUTAGE => return Err(trouble),
            Err(_) => PAUSE,
        };
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(Trouble::new(format!("{id} is not answered yet.")));
        }
        sleep(left.map_or(pause, |left| pause.min(left)));
    }
}

fn ended(message: &Value) -> Result<Ended, Trouble> {
    let review = &message["review"];
    print(&review.to_string())?;
    Ok(match (review["status"].as_str(), review["decision"]["effect"].as_str()) {
        (Some("expired" | "cancelled"), _) => Ended::ExpiredOrCancelled,
        (Some("completed"), Some("allow")) => Ended::Done,
        (Some("completed"), Some(_)) => Ended::Denied,
        (Some("completed"), None) if is_consent(review) => Ended::Done,
        (Some("completed"), None) => Ended::Denied,
        _ => return Err(Trouble::new("The service did not say how the question ended.")),
    })
}

/// Whether the answer to a review without an action is no refusal.
fn is_consent(review: &Value) -> bool {
    let response = &review["response"];
    match review["type"].as_str() {
        Some("approval") => response["selectedOption"] == "approve",
        _ => response["_dismissed"] != true,
    }
}
