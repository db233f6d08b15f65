//! `placet ask` and `placet wait`

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::{Api, MAX_OVERHEAD, MAX_REQUEST, Reply, random_key};
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
    let message = wait_for(&api, id, options.timeout)?;
    ended(&api, &message, options.no_consume)
}

pub fn wait(options: &Wait) -> Result<Ended, Trouble> {
    let api = Api::load()?;
    let message = wait_for(&api, &options.id, options.timeout)?;
    ended(&api, &message, options.no_consume)
}

/// Waits until a review is decided, and gives its message.
fn wait_for(api: &Api, id: &str, timeout: Option<u64>) -> Result<Value, Trouble> {
    let until = timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut reached = Instant::now();
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let hold = left.map_or(HOLD_MS, |left| u64::try_from(left.as_millis()).unwrap_or(HOLD_MS).clamp(1, HOLD_MS));
        let path = format!("/api/v1/reviews/{id}/wait");
        let limit = Duration::from_millis(hold) + MAX_OVERHEAD;
        let pause = match api.try_get(&path, &[("timeout", &hold.to_string())], limit) {
            Ok(reply) if !reply.is_temporary() => {
                let mut waited = reply.json()?;
                if waited["status"] != "timeout" {
                    return Ok(waited["message"].take());
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

/// Consumes the approval of an act, so that it allows one run, and prints the review.
fn ended(api: &Api, message: &Value, is_kept: bool) -> Result<Ended, Trouble> {
    let review = &message["review"];
    let ended = judged(review)?;
    if ended == Ended::Done && !is_kept && is_about_an_act(review) {
        consume(api, message)?;
    }
    print(&review.to_string())?;
    Ok(ended)
}

fn judged(review: &Value) -> Result<Ended, Trouble> {
    match review["status"].as_str() {
        Some("expired" | "cancelled") => Ok(Ended::ExpiredOrCancelled),
        Some("completed") if is_allowed(review) => Ok(Ended::Done),
        Some("completed") => Ok(Ended::Denied),
        _ => Err(Trouble::new("The service did not say how the question ended.")),
    }
}

fn is_about_an_act(review: &Value) -> bool {
    !review["action"].is_null()
}

/// Of an act what was decided, of an approval its option, of others that they were answered.
fn is_allowed(review: &Value) -> bool {
    let response = &review["response"];
    if is_about_an_act(review) {
        return review["decision"]["effect"] == "allow";
    }
    if review["type"] != "approval" {
        return matches!(response["_dismissed"], Value::Null | Value::Bool(false));
    }
    let chosen = &response["selectedOption"];
    let options = review["payload"]["options"].as_array().into_iter().flatten();
    let effect = options.filter(|option| option["id"] == *chosen).find_map(|option| option["effect"].as_str());
    effect.map_or(chosen == "approve", |effect| effect == "allow")
}

/// Of all calls for one approval, one gets past this.
fn consume(api: &Api, message: &Value) -> Result<(), Trouble> {
    let path = format!("/api/v1/reviews/{}/consume", message["id"].as_str().unwrap_or_default());
    let body = json!({ "actionDigest": message["review"]["decision"]["actionDigest"] }).to_string();
    let key = random_key()?;
    let started = Instant::now();
    loop {
        let is_last = started.elapsed() > MAX_OUTAGE;
        let pause = match api.try_post(&path, &[], &[("idempotency-key", &key)], &body, MAX_REQUEST) {
            Ok(reply) if is_last || !reply.is_temporary() => return is_consumed(&reply),
            Ok(reply) => reply.retry_after.unwrap_or(PAUSE),
            Err(trouble) if is_last => return Err(trouble),
            Err(_) => PAUSE,
        };
        sleep(pause);
    }
}

fn is_consumed(reply: &Reply) -> Result<(), Trouble> {
    match serde_json::from_str::<Value>(&reply.text) {
        Ok(body) if body["code"] == "already_consumed" => Err(Trouble::new(
            "This approval was consumed already: an earlier run may have done what it allowed. Another --client-id asks again.",
        )),
        _ if reply.json()?["consumed"] == true => Ok(()),
        _ => Err(Trouble::new("The service did not say that the approval is consumed.")),
    }
}
