//! A review as a row of the list.

use std::time::Duration;

use shared::clock::Timestamp;
use shared::models::{Agent, Message, Review, ReviewStatus};
use shared::review::Kind;

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
    pub age: String,
    /// When it expires, as HTML; only of a pending one.
    pub due: Option<String>,
    pub unseen: bool,
    /// The outcome, in a word or two.
    pub outcome: Option<String>,
    /// The word of its status, which styles use.
    pub status: &'static str,
    /// The options of an approval that can be answered together with others: JSON, pairs of an id and a label.
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
            age: format::age(message.created_at, now),
            due: pending.then(|| format::due(review.expires_at, now)),
            unseen: pending && review.seen_at.is_none(),
            outcome: (!pending).then(|| summary::in_a_word(review)),
            status: review.status.word(),
            options: Some(review).filter(|_| pending).and_then(common_options),
            heading: None,
        }
    }

    /// The initials of the agent, shown where it has no picture.
    pub fn initials(&self) -> String {
        initials(&self.agent)
    }
}

/// The options of an approval. Other types, and acts of high risk, are answered one by one.
fn common_options(review: &Review) -> Option<String> {
    if review.is_high_risk() {
        return None;
    }
    let Kind::Approval(approval) = review.kind() else { return None };
    let pairs: Vec<_> = approval.options.iter().map(|option| [&option.id, &option.label]).collect();
    serde_json::to_string(&pairs).ok()
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
