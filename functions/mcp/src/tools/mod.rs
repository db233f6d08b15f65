//! The tools. Each is a call of the API, with the same checks; what a tool may not do, no key may. No tool answers a
//! review.
//!
//! - `tools.json`: names, texts, schemas and annotations, as clients get them
//! - `reviews`: the tools that ask and wait; `messages`: all others
//! - `answer`: what they take and answer; `plugin`: the tools that send a plugin's message

mod answer;
mod messages;
mod plugin;
mod reviews;

use std::sync::Arc;

use answer::Answer;
use plugins::{Plugin, Plugins};
use serde::Serialize;
use serde_json::Value;
use shared::error::{Error, FieldError};

use crate::api::Session;
use crate::outcome::{result, structured};
use crate::protocol::Revision;
use crate::rpc::{Failure, INVALID_PARAMS, Members, Refusal, members_at, text_of};

/// The tools with those of the plugins. Clones share them.
#[derive(Clone)]
pub struct Tools(Arc<List>);

struct List {
    tools: Vec<Value>,
    /// The tools of plugins and the names of these.
    plugins: Vec<(String, String)>,
}

impl Tools {
    pub fn of(plugins: &Plugins) -> Self {
        let mut tools: Vec<Value> = serde_json::from_str(include_str!("../tools.json")).unwrap_or_default();
        tools.extend(plugins.all().map(plugin::described));
        let named = |it: &Plugin| (plugin::tool_name(it), it.name().to_owned());
        Self(Arc::new(List { tools, plugins: plugins.all().map(named).collect() }))
    }

    /// As `tools/list` shows them.
    pub fn list(&self) -> &[Value] {
        &self.0.tools
    }

    /// `tools/call`
    pub async fn call(&self, session: &Session, revision: Revision, params: &Members) -> Result<Members, Refusal> {
        let name = text_of(params, "name").unwrap_or_default();
        let arguments = members_at(params, &["arguments"]);
        let is_known = self.list().iter().any(|tool| tool["name"] == name.as_str());
        if !is_known {
            session.authenticate().await?;
            return Err(Failure::new(INVALID_PARAMS, "There is no such tool.").into());
        }
        let answered = match self.0.plugins.iter().find(|(tool, _)| *tool == name) {
            Some((_, plugin)) => plugin::send(session, plugin, &arguments).await,
            None => run(session, revision, &name, &arguments).await,
        };
        match answered {
            Ok(Answer::Structured(object)) => Ok(structured(&object)?),
            Ok(Answer::Text(text)) => Ok(result(&text, false)?),
            Ok(Answer::Task(task)) => Ok(task),
            // These concern the connection rather than the call.
            Err(error) if error.status().is_server_error() || [401, 429].contains(&error.status().as_u16()) => {
                Err(error.into())
            }
            Err(error) => Ok(result(&described(&error)?, true)?),
        }
    }
}

async fn run(session: &Session, revision: Revision, name: &str, arguments: &Members) -> Result<Answer, Error> {
    match name {
        "list_channels" => messages::list_channels(session).await,
        "create_channel" => messages::create_channel(session, arguments).await,
        "send_message" => messages::send(session, arguments).await,
        "get_messages" => messages::list(session, arguments).await,
        "get_message" => messages::get(session, arguments).await,
        "delete_message" => messages::delete(session, arguments).await,
        "get_iteration_chain" => messages::iterations(session, arguments).await,
        "ping_status" => messages::ping(session, arguments).await,
        "list_plugins" => messages::list_plugins(session).await,
        "send_review_message" => reviews::send(session, arguments).await,
        "wait_for_review" => reviews::wait(session, revision, arguments).await,
        "get_pending_reviews" => reviews::list_pending(session, arguments).await,
        "request_approval" => reviews::request_approval(session, revision, arguments).await,
        "withdraw_review" => reviews::withdraw(session, arguments).await,
        "consume_approval" => reviews::consume(session, arguments).await,
        "permission_prompt" => reviews::permission_prompt(session, arguments).await,
        _ => Err(Error::NotFound("tool")),
    }
}

/// An error as text for a model: what the API answers in the same case.
fn described(error: &Error) -> Result<String, Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Described {
        status_code: u16,
        code: &'static str,
        message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        errors: Option<Vec<FieldError>>,
    }
    let described = Described {
        status_code: error.status().as_u16(),
        code: error.code(),
        message: error.to_string(),
        errors: error.fields(),
    };
    serde_json::to_string(&described).map_err(Error::internal)
}
