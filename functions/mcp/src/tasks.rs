//! Reviews as tasks of the tasks extension. A task is a review, and its id is the message's: nothing else is stored.

use serde_json::json;
use shared::error::Error;
use shared::json::Json;

use crate::api::{Session, path};
use crate::outcome::{Asked, Outcome, structured};
use crate::protocol::{Revision, lacks_tasks};
use crate::rpc::{Failure, INVALID_PARAMS, Members, Refusal, members, raw, text_of};

/// How long a client should sleep between two `tasks/get`.
const POLL_INTERVAL_MS: u32 = 3000;

/// The task that a call of a tool becomes.
pub fn of(message: &Json) -> Result<Members, Error> {
    let mut task = state(&Asked::parse(message)?)?;
    task.insert("resultType".to_owned(), raw(&"task")?);
    Ok(task)
}

/// `tasks/get`
pub async fn get(session: &Session, revision: Revision, params: &Members) -> Result<Members, Refusal> {
    let id = task_id(session, revision, params).await?;
    let message = session.get(&path("/api/v1/reviews", &id, ""), &[]).await.map_err(unknown)?;
    let asked = Asked::parse(&message)?;
    let mut task = state(&asked)?;
    if asked.review()?.status != "cancelled" && !asked.review()?.is_pending() {
        let outcome = Outcome { message: Some(message.as_raw()), ..asked.outcome()? };
        task.insert("result".to_owned(), raw(&structured(&raw(&outcome)?)?)?);
    }
    Ok(task)
}

/// `tasks/update`: a task asks its client for nothing, so there is nothing to take.
pub async fn update(session: &Session, revision: Revision, params: &Members) -> Result<Members, Refusal> {
    let id = task_id(session, revision, params).await?;
    session.get(&path("/api/v1/reviews", &id, ""), &[]).await.map_err(unknown)?;
    Ok(Members::new())
}

/// `tasks/cancel` withdraws the review. One that is decided already stays decided.
pub async fn cancel(session: &Session, revision: Revision, params: &Members) -> Result<Members, Refusal> {
    let id = task_id(session, revision, params).await?;
    match session.post(&path("/api/v1/reviews", &id, "/cancel"), &[], &Members::new()).await {
        Ok(_) | Err(Error::AlreadyDecided | Error::AlreadyExpired) => Ok(Members::new()),
        Err(error) => Err(unknown(error)),
    }
}

async fn task_id(session: &Session, revision: Revision, params: &Members) -> Result<String, Refusal> {
    let failure = match text_of(params, "taskId") {
        Some(id) if revision.takes_tasks() => return Ok(id),
        _ if !revision.takes_tasks() => lacks_tasks(),
        _ => Failure::new(INVALID_PARAMS, "taskId must be a string."),
    };
    session.authenticate().await?;
    Err(failure.into())
}

fn unknown(error: Error) -> Refusal {
    match error {
        Error::NotFound(_) | Error::NotYourAgent => Failure::new(INVALID_PARAMS, "There is no such task.").into(),
        other => other.into(),
    }
}

fn state(asked: &Asked) -> Result<Members, Error> {
    let review = asked.review()?;
    let (status, said) = match review.status.as_str() {
        "pending" => ("working", "Waiting for a person to answer."),
        "cancelled" => ("cancelled", "The request was withdrawn."),
        "expired" => ("completed", "Nobody answered in time."),
        _ => ("completed", "A person answered."),
    };
    members(&json!({
        "taskId": asked.id,
        "status": status,
        "statusMessage": said,
        "createdAt": asked.created_at,
        "lastUpdatedAt": asked.updated_at,
        "ttlMs": null,
        "pollIntervalMs": POLL_INTERVAL_MS
    }))
}
