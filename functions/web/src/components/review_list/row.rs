//! A review as a row of the list.

use std::time::Duration;

use shared::clock::Timestamp;
use shared::models::{Agent, DecidedMessage, Message, Review, ReviewStatus, SenderType, Surface, User};
use shared::review::{Effect, Kind};

use crate::components::layout::initials;
use crate::review::summary;
use crate::text::excerpt;
use crate::text::format;

const HOUR: Duration = Duration::from_secs(3_600);

/// A review in the list, ready for the template.
pub struct Row {
    pub id: String,
    pub agent: String,
    /// The URL of the agent's picture on this site.
    pub avatar: Option<String>,
    pub kind: String,
    pub iteration: u32,
    pub excerpt: String,
    /// When it was decided, as HTML; only of a decided one.
    pub decided: Option<String>,
    /// By whom, and through what.
    pub by: Option<String>,
    /// When it expires, as HTML; only of a pending one.
    pub due: Option<String>,
    pub unseen: bool,
    /// The outcome, in a word or two.
    pub outcome: Option<String>,
    /// The icon of the outcome, and the class of its style.
    pub icon: &'static str,
    pub tone: &'static str,
    /// The options of an approval that can be answered together with others: JSON, of each its id, its label, and what
    /// it does to the act unless the label says so.
    pub options: Option<String>,
    /// The heading of the group that starts with this row.
    pub heading: Option<&'static str>,
}

impl Row {
    /// The row of a message with a review.
    pub fn of(message: &Message, review: &Review, agent: Option<&Agent>, now: Timestamp) -> Self {
        let pending = review.status == ReviewStatus::Pending;
        let avatar = agent.and_then(|agent| agent.avatar_url.clone());
        Self {
            id: message.id.to_string(),
            agent: name(agent).to_owned(),
            avatar: avatar.filter(|url| url.starts_with("/api/agents/")),
            kind: summary::kind_word(&review.kind).to_owned(),
            iteration: message.iteration.unwrap_or(1),
            excerpt: excerpt::of_message(message),
            decided: None,
            by: None,
            due: pending.then(|| format::due(review.expires_at, now)),
            unseen: pending && review.seen_at.is_none(),
            outcome: (!pending).then(|| summary::in_a_word(review)),
            icon: icon(review),
            tone: if is_denied(review) { "denied" } else { review.status.word() },
            options: Some(review).filter(|_| pending).and_then(common_options),
            heading: None,
        }
    }

    /// The row of a decided review in the history.
    pub fn of_decided(decided: &DecidedMessage, agent: Option<&Agent>, reader: &User) -> Option<Self> {
        let DecidedMessage { outcome, message } = decided;
        let by = match (outcome.actor_type, &outcome.actor_id) {
            (None, _) => None,
            (Some(SenderType::Agent), _) => Some("by the agent"),
            (_, Some(id)) if *id == reader.id.to_string() => Some("by you"),
            _ => Some("by somebody else"),
        };
        let through = match outcome.surface {
            Some(Surface::Page) => " in the inbox",
            Some(Surface::Api) => " through the API",
            None => "",
        };
        let row = Self::of(message, message.review.as_ref()?, agent, outcome.at);
        Some(Self { decided: Some(format::moment(outcome.at)), by: by.map(|by| format!("{by}{through}")), ..row })
    }

    /// The initials of the agent, shown where it has no picture.
    pub fn initials(&self) -> String {
        initials(&self.agent)
    }
}

/// The options of an approval. Other types, and acts that need a second step, are answered one by one.
fn common_options(review: &Review) -> Option<String> {
    if review.is_high_risk() {
        return None;
    }
    let Kind::Approval(approval) = review.kind() else { return None };
    let all: Vec<_> =
        approval.options.iter().map(|option| (&option.id, &option.label, review.effect_word(option))).collect();
    serde_json::to_string(&all).ok()
}

fn icon(review: &Review) -> &'static str {
    match review.status {
        ReviewStatus::Expired => "clock",
        ReviewStatus::Cancelled => "out",
        ReviewStatus::Completed if is_denied(review) => "no-entry",
        ReviewStatus::Completed | ReviewStatus::Pending => "check",
    }
}

/// Whether the answer is one that denies: of an act by its effect, of another approval by its option's id.
fn is_denied(review: &Review) -> bool {
    let selected = || Some(review.response.as_ref()?.value().get("selectedOption")?.as_str()? == "reject");
    let effect = review.decision.as_ref().map(|decision| decision.effect == Effect::Deny);
    effect.or_else(|| selected().filter(|_| review.kind == "approval")).unwrap_or_default()
}

/// The name of an agent as lists show it.
pub fn name(agent: Option<&Agent>) -> &str {
    agent.map_or("An agent", |agent| agent.name.as_str())
}

/// The group of a review in the order by expiry.
pub fn group(message: &Message, now: Timestamp) -> &'static str {
    let left = message.review.as_ref().map_or(Duration::ZERO, |review| now.until(review.expires_at));
    if left <= HOUR {
        "Due within the hour"
    } else if left <= 24 * HOUR {
        "Due within 24 hours"
    } else {
        "Due later"
    }
}
