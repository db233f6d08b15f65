//! The list of reviews, next to the one that is open.
//!
//! - [`view`]: which reviews it shows and in which order
//! - [`row`]: a review as a row

mod row;
mod view;

use std::collections::HashMap;

use shared::clock::Timestamp;
use shared::ids::AgentId;
use shared::models::{Agent, Message, ReviewStatus};

use crate::text::excerpt;
use row::Row;
pub use view::{Order, ReviewFilter, View};

/// The rows of a page of the list.
const PAGE_ROWS: usize = 50;

/// What an option of a filter shows: its value, its label, how many reviews it has.
pub struct Choice {
    pub value: String,
    pub label: String,
    pub count: usize,
    pub is_chosen: bool,
}

/// The review to open after the one that is open.
pub struct Next {
    pub id: String,
    pub excerpt: String,
}

/// The list, ready for the template.
pub struct ReviewList {
    pub view: View,
    /// The rows of this page.
    pub rows: Vec<Row>,
    /// How many reviews the view has on all pages.
    pub total: usize,
    /// The query of the page that follows.
    pub more: Option<String>,
    pub agents: Vec<Choice>,
    pub types: Vec<Choice>,
    /// A channel for the example in the empty inbox.
    pub channel: Option<AgentId>,
    /// The API's origin, if it is not this page's.
    pub api_url: Option<String>,
    /// The review after the open one, in this view.
    pub next: Option<Next>,
    selected: Option<String>,
    /// All reviews of the view, in its order.
    messages: Vec<Message>,
}

impl ReviewList {
    /// The list of `reviews`, all of which have the filter's status.
    pub fn of(wanted: &ReviewFilter, reviews: Vec<Message>, agents: &[Agent], now: Timestamp) -> Self {
        let view = wanted.view();
        let known: HashMap<AgentId, &Agent> = agents.iter().map(|agent| (agent.id, agent)).collect();
        let agent = |message: &Message| known.get(&message.channel_id).copied();
        let (agent_choices, types) = (agents_of(&view, &reviews, agents), types_of(&view, &reviews));
        let mut messages = reviews;
        messages.retain(|message| message.review.is_some() && view.has(message, row::name(agent(message))));
        messages.sort_by_key(|message| view.position(message));
        let start = view.after.map_or(0, |after| messages.partition_point(|it| view.position(it) <= after));
        let page = &messages[start..messages.len().min(start + PAGE_ROWS)];
        let mut rows: Vec<Row> = page
            .iter()
            .filter_map(|message| Some(Row::of(message, message.review.as_ref()?, agent(message), now)))
            .collect();
        if view.order == Order::Due {
            add_headings(&mut rows, page, start.checked_sub(1).map(|before| &messages[before]), now);
        }
        let more = page.last().filter(|_| start + page.len() < messages.len()).map(|last| view.query_after(last));
        Self {
            total: messages.len(),
            rows,
            more,
            agents: agent_choices,
            types,
            channel: agents.first().map(|agent| agent.id),
            api_url: None,
            next: None,
            selected: None,
            messages,
            view,
        }
    }

    /// The list with this review open. The next one is the one below it in this view, else the first.
    pub fn with_open(mut self, open: &Message) -> Self {
        let id = open.id.to_string();
        // The review is being opened by this request.
        self.rows.iter_mut().filter(|row| row.id == id).for_each(|row| row.unseen = false);
        let position = self.view.position(open);
        let below = self.messages.iter().find(|it| self.view.position(it) > position);
        let next = below.or_else(|| self.messages.iter().find(|it| it.id != open.id));
        self.next = next.map(|it| Next { id: it.id.to_string(), excerpt: excerpt::of_message(it) });
        self.selected = Some(id);
        self
    }

    /// The status that the list shows.
    pub fn tab(&self) -> &'static str {
        self.view.status.word()
    }

    /// Whether it shows reviews that wait for an answer.
    pub fn is_pending(&self) -> bool {
        self.view.status == ReviewStatus::Pending
    }

    /// Whether the order is the one by expiry.
    pub fn is_by_due(&self) -> bool {
        self.view.order == Order::Due
    }

    /// The tabs: the word of each status, and its label.
    pub fn tabs(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        ReviewStatus::WORDS.into_iter().map(|(word, status)| (word, tab_label(status)))
    }

    /// The path of a tab, with the rest of the view.
    pub fn tab_path(&self, tab: &str) -> String {
        let status = ReviewStatus::WORDS.into_iter().find(|(word, _)| *word == tab);
        let status = status.map_or(ReviewStatus::Pending, |(_, status)| status);
        let order = if status == ReviewStatus::Pending { self.view.order } else { Order::Newest };
        format!("/{}", View { status, order, ..self.view.clone() }.query())
    }

    /// Whether the person has no agent yet.
    pub fn is_first_run(&self) -> bool {
        self.channel.is_none() && self.is_pending() && !self.view.is_limited()
    }

    /// The query of every link of the inbox, which keeps the list as it is.
    pub fn query(&self) -> String {
        self.view.query()
    }

    /// Whether this review is the open one.
    pub fn is_selected(&self, id: &str) -> bool {
        self.selected.as_deref() == Some(id)
    }

    /// What the link to the list says when the view has no other review.
    pub fn done(&self) -> &'static str {
        if self.view.is_limited() { "Nothing else in this view. Back to the list" } else { "All done. Back to inbox" }
    }
}

fn tab_label(status: ReviewStatus) -> &'static str {
    match status {
        ReviewStatus::Pending => "Waiting",
        ReviewStatus::Completed => "Answered",
        ReviewStatus::Expired => "Expired",
        ReviewStatus::Cancelled => "Withdrawn",
    }
}

fn add_headings(rows: &mut [Row], page: &[Message], before: Option<&Message>, now: Timestamp) {
    let mut last = before.map(|message| row::group(message, now));
    for (row, message) in rows.iter_mut().zip(page) {
        let group = row::group(message, now);
        row.heading = Some(group).filter(|_| last != Some(group));
        last = Some(group);
    }
}

/// The agents to choose from, each with its number of reviews.
fn agents_of(view: &View, reviews: &[Message], agents: &[Agent]) -> Vec<Choice> {
    let count = |agent: &Agent| reviews.iter().filter(|it| it.channel_id == agent.id).count();
    let choice = |agent: &Agent| Choice {
        value: agent.id.to_string(),
        label: agent.name.clone(),
        count: count(agent),
        is_chosen: view.agent == Some(agent.id),
    };
    agents.iter().map(choice).filter(|choice| choice.count > 0 || choice.is_chosen).collect()
}

/// The types to choose from, each with its number of reviews.
fn types_of(view: &View, reviews: &[Message]) -> Vec<Choice> {
    let count = |word: &str| reviews.iter().filter(|it| view::kind_of(it) == word).count();
    let choice = |(word, label): (&'static str, &'static str)| Choice {
        value: word.to_owned(),
        label: label.to_owned(),
        count: count(word),
        is_chosen: view.kind == Some(word),
    };
    view::types().map(choice).filter(|choice| choice.count > 0 || choice.is_chosen).collect()
}
