//! Whether a coding agent may use a tool: asks a person about exactly that use, and hands the answer out.
//!
//! A use that has an id meets the same review whenever it is asked about. A use without one meets it while it is
//! pending or its answer was not handed out; after that an equal use is another one. Handing out a permission
//! consumes it, so it is handed out once.

use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use shared::error::Error;
use shared::hex;
use shared::json::Json;
use shared::models::{CreateMessage, DeliveryStatus, Message, ReviewStatus};
use shared::review::Effect;
use shared::storage::{IdempotentCall, IsUsed};
use shared::validation::{self, FromObject, JsonObject, ValidationErrors};
use std::time::{Duration, Instant};

use crate::api::{Session, path};
use crate::outcome::{self, Asked};
use crate::rpc::{Members, raw};

/// How often an answer may be handed out to another equal use first.
const MAX_ROUNDS: u32 = 5;
/// The longest name of a tool, in characters: that of an act.
const MAX_TOOL: usize = 128;

/// A use of a tool that a person decides on.
pub struct ToolUse {
    /// Equal for what is the same use.
    key: String,
    has_id: bool,
    /// The program that asks.
    pub program: &'static str,
    tool: String,
    pub input: Json,
    directory: Option<String>,
}

/// What a person decided on it.
pub enum Verdict {
    Allow {
        /// The input as the person changed it.
        edited: Option<Box<RawValue>>,
    },
    Deny {
        reason: String,
    },
    Pending,
}

impl ToolUse {
    /// Reads the use of a tool. `input` is the member that has the tool's input, `event` what asks about it.
    pub fn parse(object: &mut JsonObject<'_>, input: &str, event: &str) -> Option<Self> {
        let tool = object.require("tool_name", |o| o.short_string("tool_name", MAX_TOOL));
        let hash = object.hash_of(input);
        let input = object.require(input, |o| o.json_object(input));
        let [session, id, directory] = ["session_id", "tool_use_id", "cwd"].map(|name| object.string(name));
        let (tool, input) = (tool?, input?);
        let parts =
            [Some(event), session.as_deref(), Some(&tool), hash.as_deref(), id.as_deref(), directory.as_deref()];
        let key = Json::of(&parts).ok()?;
        Some(Self {
            key: format!("hook-{}", hex::encode(&Sha256::digest(key.as_str()))),
            has_id: id.is_some(),
            program: "An agent",
            tool,
            input,
            directory,
        })
    }

    /// The body of the message that asks about it.
    fn message(&self, channel: &str) -> Result<CreateMessage, Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            channel_id: &'a str,
            text: String,
            format: &'static str,
            review: Review<'a>,
        }
        #[derive(Serialize)]
        struct Review<'a> {
            r#type: &'static str,
            payload: Payload,
            action: Act<'a>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Payload {
            allow_comment: bool,
        }
        #[derive(Serialize)]
        struct Act<'a> {
            name: &'a str,
            args: &'a RawValue,
            editable: [&'static str; 1],
        }
        let place = self.directory.as_ref().map(|directory| format!(" in {directory}")).unwrap_or_default();
        let action = Act { name: &self.tool, args: self.input.as_raw(), editable: [""] };
        let body = Body {
            channel_id: channel,
            text: format!("{} wants to use {}{place}.", self.program, self.tool),
            format: "plain",
            review: Review { r#type: "approval", payload: Payload { allow_comment: true }, action },
        };
        let bytes = serde_json::to_vec(&body).map_err(Error::internal)?;
        validation::parse(&bytes, ValidationErrors::default())
    }

    /// The review that stands for it: the one that there is, or a new one.
    async fn review(&self, session: &Session, channel: &str, receiver: Option<&str>) -> Result<Message, Error> {
        let body = match self.message(channel) {
            Ok(body) => body,
            Err(error) => {
                session.authenticate().await?;
                return Err(error);
            }
        };
        let once = IdempotentCall { client_id: self.key.clone(), body_hash: self.key.clone() };
        let is_used = |message: &Message| was_handed_out(message, receiver);
        let is_used: Option<IsUsed<'_>> = if self.has_id { None } else { Some(&is_used) };
        messages::send(&session.app, &session.agent, Some(once), is_used, body).await
    }

    /// The verdict on a decided review; none if an equal use got its answer.
    async fn hand_out(
        &self,
        session: &Session,
        asked: &Asked,
        receiver: Option<&str>,
    ) -> Result<Option<Verdict>, Error> {
        let review = asked.review()?;
        let allowed = review.decision.as_ref().filter(|decision| decision.effect == Effect::Allow.word());
        let Some(decision) = allowed else {
            if !self.has_id {
                session.post(&path("/api/v1/messages", &asked.id, "/ack"), &[], &Members::new()).await?;
            }
            return Ok(Some(Verdict::Deny { reason: reason(review) }));
        };
        let receiver = if self.has_id { Some(self.key.as_str()) } else { receiver };
        let body = Members::from([("actionDigest".to_owned(), raw(&decision.action_digest)?)]);
        match session.post_once(&path("/api/v1/reviews", &asked.id, "/consume"), &[], &body, receiver).await {
            Ok(_) => {}
            Err(Error::AlreadyConsumed { .. }) if self.has_id => {
                return Ok(Some(Verdict::Deny { reason: "This permission was used already.".to_owned() }));
            }
            Err(Error::AlreadyConsumed { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        let is_edited = review.action_digest.as_ref() != Some(&decision.action_digest);
        Ok(Some(Verdict::Allow { edited: is_edited.then(|| decision.action.args.clone()) }))
    }
}

/// Asks a person, and holds for at most `hold_ms`. `receiver` is equal in repeats of one call, which get the same
/// answer.
pub async fn ask(
    session: &Session,
    channel: &str,
    used: &ToolUse,
    receiver: Option<&str>,
    hold_ms: u64,
) -> Result<Verdict, Error> {
    let until = Instant::now() + Duration::from_millis(hold_ms);
    for _ in 0..MAX_ROUNDS {
        let message = used.review(session, channel, receiver).await?;
        let left = until.saturating_duration_since(Instant::now()).as_millis().max(1);
        let waited = outcome::wait(session, &message.id.to_string(), None, u64::try_from(left).unwrap_or(1)).await?;
        let Some(message) = waited.message else { return Ok(Verdict::Pending) };
        if let Some(verdict) = used.hand_out(session, &Asked::parse(&Json::raw(&message))?, receiver).await? {
            return Ok(verdict);
        }
    }
    Err(Error::unavailable("answers kept going to other equal uses of a tool"))
}

/// Whether the answer went to an earlier use that was equal.
fn was_handed_out(message: &Message, receiver: Option<&str>) -> bool {
    let Some(review) = &message.review else { return true };
    if let Some(consumption) = &review.consumption {
        return receiver.is_none() || consumption.key.as_deref() != receiver;
    }
    let is_allowed = review.decision.as_ref().is_some_and(|decision| decision.effect == Effect::Allow);
    review.status != ReviewStatus::Pending && !is_allowed && message.delivery_status == DeliveryStatus::AgentReceived
}

fn reason(review: &outcome::Review) -> String {
    match review.status.as_str() {
        "expired" => "Nobody answered in time.".to_owned(),
        "cancelled" => match &review.cancel_reason {
            Some(reason) => format!("The request was withdrawn: {reason}"),
            None => "The request was withdrawn.".to_owned(),
        },
        _ => review.comment().unwrap_or("A person denied this.").to_owned(),
    }
}

/// The arguments of the tool `permission_prompt`.
pub struct Prompt(pub ToolUse);

impl FromObject for Prompt {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        ToolUse::parse(object, "input", "permission_prompt").map(Self)
    }
}
