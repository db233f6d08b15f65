//! Approvals of an act: what was approved is what is done, once
//!
//! - [`create`]: what an agent may ask; [`digests`]: the digest of an act
//! - [`edits`]: the changes that an answer may make; [`forms`]: the same through the page's form
//! - [`receipts`]: the proof of a decision; [`consume`]: doing what was approved, once
//! - [`webhooks`]: what the agent's webhook receives

pub mod consume;
pub mod create;
pub mod digests;
pub mod edits;
pub mod forms;
pub mod receipts;
pub mod webhooks;

use serde_json::{Value, json};
use test_support::Agent;

/// A message that asks whether an act may be done.
fn asking(action: Value) -> Value {
    json!({ "text": "May I?", "review": { "type": "approval", "action": action } })
}

/// A payment of 82,000, whose amount may be changed up to 100,000.
fn payment() -> Value {
    json!({
        "name": "pay", "args": { "amount": 82000, "to": "Ada", "note": null }, "target": "account 7",
        "summary": "Pays Ada", "risk": "high", "reversible": false, "editable": ["/amount", "/note"],
        "argsSchema": {
            "type": "object", "required": ["amount", "to"], "additionalProperties": false,
            "properties": {
                "amount": { "type": "number", "maximum": 100_000 }, "to": { "type": "string" },
                "note": { "type": ["string", "null"] }
            }
        }
    })
}

/// Asks for an act; returns the message's id.
async fn ask(agent: &Agent, action: Value) -> String {
    agent.create_message(asking(action)).await
}

/// The codes of a validation error, each with its path.
#[track_caller]
fn faults(reply: &test_support::Reply) -> Vec<(String, String)> {
    let paths = reply.expect_invalid();
    let errors = reply.json()["errors"].clone();
    let codes = errors.as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap().to_owned());
    paths.into_iter().zip(codes).collect()
}

/// The same, to compare.
fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(path, code)| ((*path).to_owned(), (*code).to_owned())).collect()
}
