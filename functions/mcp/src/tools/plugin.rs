//! `send_<plugin>_message`: one tool for each plugin, whose data are the arguments.

use plugins::Plugin;
use serde_json::{Map, Value, json};
use shared::error::Error;

use super::answer::{Answer, picked};
use crate::api::Session;
use crate::rpc::{Members, raw};

/// Arguments that are no data of the plugin.
const OWN: [&str; 2] = ["channelId", "requestReview"];

/// The name of the tool that sends messages of a plugin.
pub fn tool_name(plugin: &Plugin) -> String {
    format!("send_{}_message", plugin.name().replace('-', "_"))
}

/// The tool as `tools/list` shows it.
pub fn described(plugin: &Plugin) -> Value {
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
        "name": tool_name(plugin),
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

/// Sends a message that this plugin draws.
pub async fn send(session: &Session, plugin: &str, arguments: &Members) -> Result<Answer, Error> {
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
