//! What a push message says: JSON that the service worker shows (`web/worker/push.js`).

use serde::Serialize;
use shared::clock::Timestamp;
use shared::ids::{AgentId, MessageId};
use shared::models::{Review, ReviewStatus};
use shared::review::{Approval, Choice};
use shared::storage::{Notification, NotificationContext};
use shared::validation::{ValidationErrors, parse_at};

use crate::excerpt::excerpt;
use crate::question::{agent_name, question};
use crate::timing::pending;

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
    let pending = pending(context);
    let body = question(context, shows_content);
    let payload = Payload {
        title: agent_name(context),
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

/// The label of the option that was chosen in an approval, and what it did to the act unless the label says so.
fn chosen(review: &Review) -> Option<String> {
    let response = review.response.as_ref()?.value();
    let id = response["selectedOption"].as_str()?;
    let option = options(review)?.into_iter().find(|option| option.id == id)?;
    let label = excerpt(&option.label, MAX_OPTION);
    Some(match review.effect_word(&option) {
        Some(word) => format!("{label} {word}"),
        None => label,
    })
}

/// The buttons of an approval that may be decided at a glance: of one or two options, whose act is not of high risk.
/// A button has room for a label only, so the labels must say themselves what they do to the act.
fn actions(review: &Review) -> Vec<Action> {
    let is_said = |option: &Choice| review.effect_word(option).is_none();
    let options = options(review)
        .filter(|options| options.len() <= MAX_ACTIONS && !review.is_high_risk() && options.iter().all(is_said));
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
