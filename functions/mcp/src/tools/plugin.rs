//! `send_<plugin>_message`: one tool for each plugin, whose data are the arguments.

use plugins::Plugins;
use serde_json::{Map, Value, json};
use shared::error::Error;

use super::answer::{Answer, picked};
use crate::api::Session;
use crate::rpc::{Members, raw};

/// Arguments that are no data of the plugin.
const OWN: [&str; 2] = ["channelId", "requestReview"];

/// Names of plugins and of their tools.
fn named() -> impl Iterator<Item = (String, String)> {
    let names: Vec<String> = Plugins::bundled().all().map(|plugin| plugin.name().to_owned()).collect();
    names.into_iter().map(|name| (format!("send_{}_message", name.replace('-', "_")), name))
}

/// The tools as `tools/list` shows them.
pub fn tools() -> Vec<Value> {
    Plugins::bundled().all().zip(named()).map(|(plugin, (tool, _))| described(plugin, &tool)).collect()
}

fn described(plugin: &plugins::Plugin, tool: &str) -> Value {
    let schema = plugin.input_schema();
    let member = |name: &str| schema.and_then(|schema| schema.get(name).cloned());
    let mut properties = Map::from_iter([("text".to_owned(), json!({ "type": "string" }))]);
    if let Some(Value::Object(data)) = member("properties") {
        properties.extend(data);
    }
    properties.insert("channelId".to_owned(), json!({ "type": "string", "description": "The channel's id." }));
    let asks = "Whether the message asks for an answer (default true); false only shows it.";
    properties.insert("requestReview".to_owned(), json!({ "type": "boolean", "description": asks }));
    let about = plugin.description().unwrap_or("A message that a plugin draws.");
    json!({
        "name": tool,
        "title": format!("Send a message drawn by {}", plugin.name()),
        "description": format!("Sends a message that people see drawn by the plugin {}. {about}", plugin.name()),
        "inputSchema": {
            "type": "object",
            "properties": properties,
            "required": member("required").unwrap_or_else(|| json!([]))
        },
        "outputSchema": {
            "type": "object",
            "properties": { "id": { "type": "string" }, "channelId": { "type": "string" } },
            "required": ["id", "channelId"]
        },
        "annotations": { "readOnlyHint": false, "destructiveHint": false, "idempotentHint": false, "openWorldHint": false }
    })
}

pub async fn send(session: &Session, tool: &str, arguments: &Members) -> Result<Answer, Error> {
    let (_, plugin) = named().find(|(name, _)| name == tool).ok_or(Error::NotFound("tool"))?;
    let mut data = arguments.clone();
    data.retain(|name, _| !OWN.contains(&name.as_str()));
    data.insert("plugin".to_owned(), raw(&plugin)?);
    let mut body = picked(arguments, &["text"]);
    if arguments.get("requestReview").is_some_and(|asks| asks.get() == "false") {
        body.entry("text".to_owned()).or_insert(raw(&plugin)?);
        body.insert("metadata".to_owned(), raw(&data)?);
    } else {
        let review = Members::from([("type".to_owned(), raw(&"freeform")?), ("payload".to_owned(), raw(&data)?)]);
        body.insert("review".to_owned(), raw(&review)?);
    }
    body.insert("channelId".to_owned(), raw(&session.channel(arguments).await?)?);
    Ok(Answer::object(&session.post("/api/v1/messages", &[], &body).await?))
}
