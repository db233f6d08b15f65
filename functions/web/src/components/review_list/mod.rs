//! The list of reviews, next to the one that is open.
//!
//! - [`view`]: which reviews it shows and in which order; [`days`]: the days of a history
//! - [`history`]: the list of decided reviews
//! - [`row`]: a review as a row

mod days;
mod history;
mod row;
mod view;

use std::collections::HashMap;

use shared::clock::Timestamp;
use shared::ids::AgentId;
use shared::models::{Agent, Message};
use shared::storage::PendingList;

use crate::components::layout::at_least;
use crate::text::excerpt;
use row::Row;
pub use view::{Order, ReviewFilter, Tab, View};

/// The rows of a page of the list.
pub const PAGE_ROWS: usize = 50;

/// What an option of a filter shows: its value and its label.
pub struct Choice {
    pub value: String,
    pub label: String,
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
    /// Whether older ones were not read, because all that is pending outgrows a response.
    pub is_cut: bool,
    /// The query of the page that follows.
    pub more: Option<String>,
    pub agents: Vec<Choice>,
    pub types: Vec<Choice>,
    /// The outcomes of the history.
    pub outcomes: Vec<Choice>,
    /// The people whose answers the history has.
    pub people: Vec<Choice>,
    /// How far back the history was read, as HTML, if there may be more.
    pub read_to: Option<String>,
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
    /// The list of pending reviews. Those of the view's agent may have been read by themselves.
    pub fn of(
        wanted: &ReviewFilter,
        pending: PendingList,
        own: Option<PendingList>,
        agents: &[Agent],
        now: Timestamp,
    ) -> Self {
        let (view, PendingList { messages: mut reviews, mut is_cut }) = (wanted.view(), pending);
        let known: HashMap<AgentId, &Agent> = agents.iter().map(|agent| (agent.id, agent)).collect();
        let agent = |message: &Message| known.get(&message.channel_id).copied();
        let (agent_choices, types) = (agents_of(&view, &reviews, agents, is_cut), types_of(&view, &reviews));
        if let Some(own) = own {
            (reviews, is_cut) = (own.messages, own.is_cut);
        }
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
            is_cut,
            rows,
            more,
            agents: agent_choices,
            types,
            outcomes: vec![],
            people: vec![],
            read_to: None,
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
        let next = if self.is_pending() {
            let position = self.view.position(open);
            let below = self.messages.iter().find(|it| self.view.position(it) > position);
            below.or_else(|| self.messages.iter().find(|it| it.id != open.id))
        } else {
            self.messages.iter().skip_while(|it| it.id != open.id).nth(1)
        };
        self.next = next.map(|it| Next { id: it.id.to_string(), excerpt: excerpt::of_message(it) });
        self.selected = Some(id);
        self
    }

    /// The word of what the list shows.
    pub fn tab(&self) -> &'static str {
        self.view.tab.word()
    }

    /// Whether it shows reviews that wait for an answer.
    pub fn is_pending(&self) -> bool {
        self.view.tab == Tab::Waiting
    }

    /// Whether the order is the one by expiry.
    pub fn is_by_due(&self) -> bool {
        self.view.order == Order::Due
    }

    /// The path of what waits, with the search and the agent of this view.
    pub fn waiting_path(&self) -> String {
        self.tab_path(Tab::Waiting)
    }

    /// The path of the history.
    pub fn history_path(&self) -> String {
        self.tab_path(Tab::History(None))
    }

    fn tab_path(&self, tab: Tab) -> String {
        let View { search, agent, .. } = self.view.clone();
        format!("/{}", View { tab, search, agent, ..ReviewFilter::default().view() }.query())
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

fn add_headings(rows: &mut [Row], page: &[Message], before: Option<&Message>, now: Timestamp) {
    let mut last = before.map(|message| row::group(message, now));
    for (row, message) in rows.iter_mut().zip(page) {
        let group = row::group(message, now);
        row.heading = Some(group).filter(|_| last != Some(group));
        last = Some(group);
    }
}

/// The agents to choose from, each with its number of reviews. Of a list that is cut any agent may have more.
fn agents_of(view: &View, reviews: &[Message], agents: &[Agent], is_cut: bool) -> Vec<Choice> {
    let count = |agent: &Agent| reviews.iter().filter(|it| it.channel_id == agent.id).count();
    let choice = |agent: &Agent| {
        let (count, is_chosen) = (count(agent), view.agent == Some(agent.id));
        let label = format!("{} ({})", agent.name, at_least(count, is_cut));
        (count > 0 || is_chosen || is_cut).then(|| Choice { value: agent.id.to_string(), label, is_chosen })
    };
    agents.iter().filter_map(choice).collect()
}

/// The types to choose from, each with its number of reviews.
fn types_of(view: &View, reviews: &[Message]) -> Vec<Choice> {
    let count = |word: &str| reviews.iter().filter(|it| view::kind_of(it) == word).count();
    let choice = |(word, label): (&'static str, &'static str)| {
        let (count, is_chosen) = (count(word), view.kind == Some(word));
        let label = format!("{label} ({count})");
        (count > 0 || is_chosen).then(|| Choice { value: word.to_owned(), label, is_chosen })
    };
    view::types().filter_map(choice).collect()
}
