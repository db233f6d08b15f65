//! `placet mcp`: one JSON-RPC message per line on standard input, answers on standard output. Each message is one
//! request to the service's `/mcp`.

use std::io::{BufRead, stdin};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

use crate::api::{Api, MAX_REQUEST};
use crate::exit::{Ended, Trouble, print};

const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
const INTERNAL_ERROR: i32 = -32603;
const PARSE_ERROR: i32 = -32700;

/// The version that `initialize` has agreed on.
type Agreed = Mutex<Option<String>>;

pub fn run() -> Result<Ended, Trouble> {
    let api = Api::load()?;
    let agreed = Agreed::default();
    thread::scope(|scope| {
        for line in stdin().lock().lines() {
            let line = line.map_err(|error| Trouble::new(format!("Standard input cannot be read: {error}.")))?;
            if line.trim().is_empty() {
                continue;
            }
            let (api, agreed) = (&api, &agreed);
            let passed = move || match answer(api, agreed, &line) {
                // A client that reads no more has ended.
                Some(answer) => print(&answer).is_ok(),
                None => true,
            };
            // What the handshake agrees on counts for all that follows.
            if agreed.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
                passed();
            } else {
                scope.spawn(passed);
            }
        }
        Ok(Ended::Done)
    })
}

/// The answer to a message; none to one that is not answered.
fn answer(api: &Api, agreed: &Agreed, line: &str) -> Option<String> {
    let Ok(message) = serde_json::from_str::<Value>(line) else {
        return Some(failure(&Value::Null, PARSE_ERROR, "The message is not valid JSON."));
    };
    let id = message.get("id").cloned();
    let own = message["params"]["_meta"][VERSION_KEY].as_str().map(str::to_owned);
    let version = own.or_else(|| agreed.lock().unwrap_or_else(PoisonError::into_inner).clone());
    let method = message["method"].as_str().unwrap_or_default();
    let params = &message["params"];
    let name = ["name", "uri", "taskId"].iter().find_map(|name| params[*name].as_str());
    let mut headers = vec![("mcp-method", method)];
    headers.extend(version.as_deref().map(|version| ("mcp-protocol-version", version)));
    headers.extend(name.map(|name| ("mcp-name", name)));
    headers.retain(|(_, value)| value.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
    let query: Vec<(&str, &str)> = api.settings.channel.iter().map(|channel| ("channel", channel.as_str())).collect();
    let reply = api.try_post("/mcp", &query, &headers, line, MAX_REQUEST);
    let id = id?;
    match reply {
        Err(Trouble(sentence)) => Some(failure(&id, INTERNAL_ERROR, &sentence)),
        Ok(reply) => {
            let body = serde_json::from_str::<Value>(&reply.text).ok();
            let Some(body) = body.filter(|body| body["jsonrpc"] == "2.0") else {
                let sentence = reply.json().err().map_or_else(|| "The service did not answer.".to_owned(), |it| it.0);
                return Some(failure(&id, INTERNAL_ERROR, &sentence));
            };
            if method == "initialize" {
                let version = body["result"]["protocolVersion"].as_str().map(str::to_owned);
                *agreed.lock().unwrap_or_else(PoisonError::into_inner) = version;
            } else if version.is_some() {
                agreed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert_with(|| version.unwrap_or_default());
            }
            Some(reply.text.replace('\n', " "))
        }
    }
}

fn failure(id: &Value, code: i32, sentence: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": sentence } }).to_string()
}
