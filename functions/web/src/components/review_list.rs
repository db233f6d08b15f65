//! The list of reviews, next to the one that is open.

use std::collections::HashMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use shared::clock::Timestamp;
use shared::ids::AgentId;
use shared::models::{Agent, Message, Review, ReviewStatus};
use shared::search;

use crate::review::summary;
use crate::text::excerpt;
use crate::text::format;

/// Which reviews are listed, from the query of `/` and `/reviews/{id}`.
#[derive(Default, Deserialize)]
pub struct ReviewFilter {
    #[serde(default)]
    tab: String,
    #[serde(default)]
    q: String,
}

impl ReviewFilter {
    /// The status of the listed reviews; pending by default.
    pub fn status(&self) -> ReviewStatus {
        ReviewStatus::WORDS.iter().find(|(word, _)| *word == self.tab).map_or(ReviewStatus::Pending, |(_, it)| *it)
    }
}

/// The list, ready for the template.
pub struct ReviewList {
    pub tab: &'static str,
    pub search: String,
    pub rows: Vec<Row>,
    /// A channel for the example in the empty inbox.
    pub channel: Option<AgentId>,
    /// The API's origin, if it is not this page's.
    pub api_url: Option<String>,
    selected: Option<String>,
    /// The pending reviews, newest first: their ids and excerpts.
    pending: Vec<(String, String)>,
}

/// A review in the list.
pub struct Row {
    pub id: String,
    pub agent: String,
    pub kind: String,
    pub iteration: u32,
    pub excerpt: String,
    pub age: String,
    pub left: String,
    pub urgent: bool,
    pub unseen: bool,
    /// The outcome, in a word or two.
    pub outcome: Option<String>,
}

impl ReviewList {
    /// `reviews` are those of the filter's status.
    pub fn of(
        wanted: &ReviewFilter,
        reviews: &[Message],
        pending: &[Message],
        agents: &[Agent],
        now: Timestamp,
    ) -> Self {
        let names: HashMap<AgentId, &str> = agents.iter().map(|agent| (agent.id, agent.name.as_str())).collect();
        let name = |message: &Message| names.get(&message.channel_id).copied().unwrap_or("An agent");
        let search = search::folded(wanted.q.trim());
        let matches = |message: &&Message| {
            let text = message.text.as_deref().unwrap_or_default();
            search.is_empty() || [text, name(message)].iter().any(|it| search::folded(it).contains(&search))
        };
        let row = |message: &Message| Some(Row::of(message, message.review.as_ref()?, name(message), now));
        let waiting = pending.iter().map(|it| (it.id.to_string(), excerpt::of_message(it)));
        Self {
            tab: wanted.status().word(),
            search: wanted.q.trim().to_owned(),
            rows: reviews.iter().filter(matches).filter_map(row).collect(),
            channel: agents.first().map(|agent| agent.id),
            api_url: None,
            selected: None,
            pending: waiting.collect(),
        }
    }

    /// The list with this review selected.
    pub fn with_open(mut self, id: &str) -> Self {
        // The review is being opened by this request.
        self.rows.iter_mut().filter(|row| row.id == id).for_each(|row| row.unseen = false);
        self.selected = Some(id.to_owned());
        self
    }

    /// The tabs: the word of each status, and its label.
    pub fn tabs(&self) -> [(&'static str, &'static str); 4] {
        [("pending", "Waiting"), ("completed", "Answered"), ("expired", "Expired"), ("cancelled", "Withdrawn")]
    }

    /// The path of a tab, with the current search.
    pub fn tab_path(&self, tab: &str) -> String {
        format!("/{}", query(tab, &self.search))
    }

    /// The query of a link to a review, which keeps the list as it is.
    pub fn query(&self) -> String {
        query(self.tab, &self.search)
    }

    /// Whether this review is the open one.
    pub fn is_selected(&self, id: &str) -> bool {
        self.selected.as_deref() == Some(id)
    }

    /// The pending review to answer next: the next older one, else the newest.
    pub fn after(&self, id: &str) -> Option<&(String, String)> {
        let older = self.pending.iter().find(|(other, _)| other.as_str() < id && other != id);
        older.or_else(|| self.pending.iter().find(|(other, _)| other != id))
    }
}

fn query(tab: &str, search: &str) -> String {
    let mut parts = vec![];
    if tab != "pending" {
        parts.push(format!("tab={tab}"));
    }
    if !search.is_empty() {
        parts.push(format!("q={}", utf8_percent_encode(search, NON_ALPHANUMERIC)));
    }
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

impl Row {
    fn of(message: &Message, review: &Review, agent: &str, now: Timestamp) -> Self {
        let pending = review.status == ReviewStatus::Pending;
        Self {
            id: message.id.to_string(),
            agent: agent.to_owned(),
            kind: summary::kind_word(&review.kind).to_owned(),
            iteration: message.iteration.unwrap_or(1),
            excerpt: excerpt::of_message(message),
            age: format::age(message.created_at, now),
            left: format::left(review.expires_at, now),
            urgent: pending && format::is_urgent(review.expires_at, now),
            unseen: pending && review.seen_at.is_none(),
            outcome: (!pending).then(|| summary::in_a_word(review)),
        }
    }
}
