//! Tools that ask people, wait for their answers and take questions back.

use serde_json::json;
use serde_json::value::RawValue;
use shared::error::Error;
use shared::json::Json;
use shared::validation::{ValidationErrors, parse_at};

use super::answer::{Answer, channel_query, message_id, picked};
use crate::api::{Session, path};
use crate::outcome::{self, Asked, MAX_HOLD_MS, Outcome};
use crate::permission::{self, Prompt, Verdict};
use crate::protocol::Revision;
use crate::rpc::{Members, members_at, raw, text_of};
use crate::tasks;

/// When to ask again, where the route that waits does not say.
const POLL_AFTER_MS: u64 = 2000;

/// The tool `send_review_message`: a question of any type.
pub async fn send(session: &Session, arguments: &Members) -> Result<Answer, Error> {
    let names =
        ["text", "format", "status", "metadata", "attachmentIds", "textAttachments", "iterationOf", "supersedes"];
    let mut body = picked(arguments, &names);
    body.extend(picked(arguments, &["clientId", "webhookUrl"]));
    let mut review = members_at(arguments, &["review"]);
    review.extend(picked(arguments, &["payload", "expiresInSeconds", "expiresAt", "callback"]));
    if let Some(kind) = arguments.get("reviewType") {
        review.insert("type".to_owned(), kind.clone());
    }
    body.insert("review".to_owned(), raw(&review)?);
    body.insert("channelId".to_owned(), raw(&session.channel(arguments).await?)?);
    Ok(Answer::object(&session.post("/api/v1/messages", &[], &body).await?))
}

/// The tool `get_pending_reviews`.
pub async fn list_pending(session: &Session, arguments: &Members) -> Result<Answer, Error> {
    let channel = session.named_channel(arguments);
    Answer::list("reviews", &session.get("/api/v1/reviews/pending", &channel_query(&channel)).await?)
}

/// The tool `wait_for_review`: holds for 25 s at most.
pub async fn wait(session: &Session, revision: Revision, arguments: &Members) -> Result<Answer, Error> {
    let (id, channel) = (message_id(session, arguments).await?, session.named_channel(arguments));
    if revision.takes_tasks() {
        let message = session.get(&path("/api/v1/reviews", &id, ""), &channel_query(&channel)).await?;
        return task_or_outcome(&message);
    }
    let timeout = text_or_number(arguments, "timeout").unwrap_or(MAX_HOLD_MS).clamp(1, MAX_HOLD_MS);
    let waited = outcome::wait(session, &id, channel.as_deref(), timeout).await?;
    match &waited.message {
        Some(message) => decided(message, true),
        None => pending(&id, None, waited.poll_after_ms),
    }
}

/// The tool `request_approval`: consent to one exact action.
pub async fn request_approval(session: &Session, revision: Revision, arguments: &Members) -> Result<Answer, Error> {
    let channel = session.channel(arguments).await?;
    let mut body = picked(arguments, &["text", "clientId"]);
    let mut review = picked(arguments, &["action", "expiresInSeconds"]);
    if !review.contains_key("action") {
        return Err(session.refusal("action", "required", "action must be what is to be done: {name, args}").await);
    }
    let mut payload = picked(arguments, &["options"]);
    payload.insert("allowComment".to_owned(), raw(&true)?);
    review.insert("payload".to_owned(), raw(&payload)?);
    review.insert("type".to_owned(), raw(&"approval")?);
    body.insert("review".to_owned(), raw(&review)?);
    body.insert("channelId".to_owned(), raw(&channel)?);
    let message = session.post("/api/v1/messages", &[], &body).await?;
    let waits = arguments.get("waitInline").is_some_and(|wait| wait.get() == "true");
    if waits && revision.takes_tasks() {
        return task_or_outcome(&message);
    }
    let asked = Asked::parse(&message)?;
    let digest = asked.review()?.action_digest.as_deref();
    if !asked.review()?.is_pending() {
        return decided(message.as_raw(), false);
    }
    if !waits {
        return pending(&asked.id, digest, None);
    }
    let waited = outcome::wait(session, &asked.id, Some(&channel), MAX_HOLD_MS).await?;
    match &waited.message {
        Some(message) => decided(message, false),
        None => pending(&asked.id, digest, waited.poll_after_ms),
    }
}

/// The tool `withdraw_review`.
pub async fn withdraw(session: &Session, arguments: &Members) -> Result<Answer, Error> {
    let (id, channel) = (message_id(session, arguments).await?, session.named_channel(arguments));
    let body = picked(arguments, &["reason"]);
    session.post(&path("/api/v1/reviews", &id, "/cancel"), &channel_query(&channel), &body).await?;
    Ok(Answer::Structured(raw(&json!({ "status": "cancelled", "messageId": id }))?))
}

/// The tool `consume_approval`: succeeds once for each approval.
pub async fn consume(session: &Session, arguments: &Members) -> Result<Answer, Error> {
    let (id, channel) = (message_id(session, arguments).await?, session.named_channel(arguments));
    let body = picked(arguments, &["actionDigest"]);
    let consumed = session.post(&path("/api/v1/reviews", &id, "/consume"), &channel_query(&channel), &body).await?;
    Ok(Answer::object(&consumed))
}

/// Answers in the terms of `--permission-prompt-tool`.
pub async fn permission_prompt(session: &Session, arguments: &Members) -> Result<Answer, Error> {
    let mut problems = ValidationErrors::default();
    let read = parse_at::<Prompt>(&Json::of(arguments).map_err(Error::internal)?, vec![], &mut problems);
    let used = match problems.finish(read) {
        Ok(Prompt(used)) => used,
        Err(error) => {
            session.authenticate().await?;
            return Err(error);
        }
    };
    let channel = session.channel(arguments).await?;
    let answer = match permission::ask(session, &channel, &used, None, MAX_HOLD_MS).await? {
        Verdict::Allow { edited } => {
            let input = edited.unwrap_or_else(|| used.input.as_raw().to_owned());
            raw(&Members::from([("behavior".to_owned(), raw(&"allow")?), ("updatedInput".to_owned(), input)]))?
        }
        Verdict::Deny { reason } => raw(&json!({ "behavior": "deny", "message": reason }))?,
        Verdict::Pending => raw(&json!({ "behavior": "deny", "message": "not answered yet" }))?,
    };
    Ok(Answer::Text(answer.get().to_owned()))
}

fn task_or_outcome(message: &Json) -> Result<Answer, Error> {
    match Asked::parse(message)?.review()?.is_pending() {
        true => tasks::of(message).map(Answer::Task),
        false => decided(message.as_raw(), true),
    }
}

fn decided(message: &RawValue, with_message: bool) -> Result<Answer, Error> {
    let asked = Asked::parse(&Json::raw(message))?;
    let message = with_message.then_some(message);
    Ok(Answer::Structured(raw(&Outcome { message, ..asked.outcome()? })?))
}

fn pending(id: &str, digest: Option<&str>, poll_after_ms: Option<u64>) -> Result<Answer, Error> {
    let outcome = Outcome {
        status: "pending",
        message_id: id,
        effect: None,
        action: None,
        action_digest: digest,
        receipt: None,
        comment: None,
        poll_after_ms: Some(poll_after_ms.unwrap_or(POLL_AFTER_MS)),
        message: None,
    };
    Ok(Answer::Structured(raw(&outcome)?))
}

fn text_or_number(arguments: &Members, name: &str) -> Option<u64> {
    let value = text_of(arguments, name).or_else(|| arguments.get(name).map(|value| value.get().to_owned()))?;
    value.parse::<f64>().ok().filter(|millis| *millis > 0.0).map(|millis| millis as u64)
}
