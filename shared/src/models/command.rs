//! The commands that an agent offers to the people who write to it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::validation::{FromObject, JsonObject};

const MAX_COMMANDS: usize = 100;
/// They are read with the agent on every call, so they stay small as a whole.
const MAX_TOTAL_BYTES: usize = 32 * 1024;

/// A command that people can send to an agent
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Command {
    #[schema(example = "deploy", min_length = 1, max_length = 64)]
    pub command: String,
    #[schema(example = "Deploys a branch", max_length = 500)]
    pub description: String,
    /// Whether words may follow the command
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub accepts_args: Option<bool>,
    /// What those words are
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "<branch>", max_length = 200, nullable = false)]
    pub arg_hint: Option<String>,
}

impl FromObject for Command {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let command = object.require("command", |o| o.label("command", 64));
        let description = object.require("description", |o| o.short_string("description", 500));
        let accepts_args = object.boolean("acceptsArgs");
        let arg_hint = object.short_string("argHint", 200);
        Some(Self { command: command?, description: description?, accepts_args, arg_hint })
    }
}

/// `PUT /api/v1/agents/{id}/commands`.
#[derive(ToSchema)]
pub struct SetCommands {
    /// All of them, each named once; 32 KiB as a whole
    #[schema(max_items = 100)]
    pub commands: Vec<Command>,
}

impl FromObject for SetCommands {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let commands = object.require("commands", |o| o.objects::<Command>("commands", MAX_COMMANDS));
        name_repeated(object);
        let weigh =
            |it: &Command| it.command.len() + it.description.len() + it.arg_hint.as_ref().map_or(0, String::len);
        if commands.iter().flatten().map(weigh).sum::<usize>() > MAX_TOTAL_BYTES {
            object.too_large("The texts of all commands together may have at most 32 KiB.");
        }
        Some(Self { commands: commands? })
    }
}

/// Notes each command whose name an earlier one has.
fn name_repeated(object: &mut JsonObject<'_>) {
    let Some(Value::Array(given)) = object.value("commands") else { return };
    let name = |it: &Value| it.get("command").and_then(Value::as_str).map(|name| name.trim().to_owned());
    let names: Vec<Option<String>> = given.iter().take(MAX_COMMANDS).map(name).collect();
    for (index, name) in names.iter().enumerate() {
        if name.is_some() && names[..index].contains(name) {
            let mut path = object.path_to("commands");
            path.extend([index.into(), "command".into()]);
            object.problems().add(path, "repeated", "an earlier command has this name");
        }
    }
}
