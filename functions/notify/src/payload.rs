//! What a push message says: JSON that the service worker shows (`web/worker/push.js`).

use serde::Serialize;
use shared::clock::Timestamp;
use shared::ids::{AgentId, MessageId};
use shared::models::{Message, Review, ReviewStatus};
use shared::review::{Act, Approval, Choice};
use shared::storage::{Notification, NotificationContext};
use shared::validation::{ValidationErrors, parse_at};

use crate::excerpt::excerpt;

const MAX_TITLE: usize = 80;
const MAX_BODY: usize = 300;
const MAX_OPTION: usize = 40;
/// Browsers show two buttons at most.
const MAX_ACTIONS: usize = 2;

/// How much of a request a message contains.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// As the person prefers.
    Full,
    AgentOnly,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    title: String,
    body: String,
    channel_id: AgentId,
    message_id: MessageId,
    /// The path of the page that a press opens.
    url: String,
    tag: String,
    /// `pending`, `completed`, `expired`, `cancelled` or `deleted`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    actions: Vec<Action>,
}

/// A button: the id of an option, and its label.
#[derive(Serialize)]
struct Action {
    action: String,
    title: String,
}

/// The payload of a notification.
pub fn of(notification: &Notification, context: &NotificationContext, detail: Detail) -> String {
    let id = notification.message_id;
    let shows_content = detail == Detail::Full && context.preferences.push.show_content;
    let review = context.message.as_ref().and_then(|message| message.review.as_ref());
    let pending = review.filter(|review| review.status == ReviewStatus::Pending);
    let agent = context.agent_name.as_deref().unwrap_or("An agent");
    let body = match (context.message.as_ref(), review) {
        (Some(message), Some(review)) if shows_content => question(message, review),
        _ => "A request".to_owned(),
    };
    let payload = Payload {
        title: excerpt(agent, MAX_TITLE),
        body: match pending {
            Some(_) => body,
            None => format!("{}: {body}", outcome(review, shows_content)),
        },
        channel_id: id.channel(),
        message_id: id,
        url: format!("/reviews/{id}"),
        tag: notification.tag(),
        status: review.map_or("deleted", |review| review.status.word()),
        expires_at: pending.map(|review| review.expires_at),
        actions: pending.filter(|_| shows_content).map(actions).unwrap_or_default(),
    };
    // All of its members are texts and lists of texts.
    serde_json::to_string(&payload).unwrap_or_default()
}

/// What is asked, in one line.
fn question(message: &Message, review: &Review) -> String {
    let text = message.text.as_deref().unwrap_or_default();
    let act = review.action.as_ref().and_then(Act::from_stored);
    let asked = match &act {
        Some(act) => {
            let risk = if act.is_high_risk() { "High risk: " } else { "" };
            let about = act.summary.as_deref().or(act.target.as_deref()).unwrap_or(text);
            format!("{risk}{}. {about}", act.name)
        }
        None => text.to_owned(),
    };
    let asked = excerpt(&asked, MAX_BODY);
    if asked.is_empty() { "A request".to_owned() } else { asked }
}

/// What became of a request.
fn outcome(review: Option<&Review>, shows_content: bool) -> String {
    let Some(review) = review else { return "Deleted".to_owned() };
    match review.status {
        ReviewStatus::Expired => "Expired".to_owned(),
        ReviewStatus::Cancelled => "Withdrawn".to_owned(),
        ReviewStatus::Pending | ReviewStatus::Completed => {
            let chosen = chosen(review).filter(|_| shows_content);
            chosen.map_or_else(|| "Answered".to_owned(), |label| format!("Answered “{label}”"))
        }
    }
}

/// The label of the option that was chosen in an approval.
fn chosen(review: &Review) -> Option<String> {
    let response = review.response.as_ref()?.value();
    let id = response["selectedOption"].as_str()?;
    let option = options(review)?.into_iter().find(|option| option.id == id)?;
    Some(excerpt(&option.label, MAX_OPTION))
}

/// The buttons of an approval that may be decided at a glance: of one or two options, whose act is not of high risk.
fn actions(review: &Review) -> Vec<Action> {
    let is_high_risk = review.action.is_some()
        && review.action.as_ref().and_then(Act::from_stored).is_none_or(|act| act.is_high_risk());
    let options = options(review).filter(|options| options.len() <= MAX_ACTIONS && !is_high_risk);
    let action = |option: Choice| Action { title: excerpt(&option.label, MAX_OPTION), action: option.id };
    options.unwrap_or_default().into_iter().map(action).collect()
}

fn options(review: &Review) -> Option<Vec<Choice>> {
    if review.kind != "approval" {
        return None;
    }
    let Some(payload) = &review.payload else { return Some(Approval::default().options) };
    let approval = parse_at::<Approval>(payload, vec![], &mut ValidationErrors::default())?;
    Some(approval.options)
}
