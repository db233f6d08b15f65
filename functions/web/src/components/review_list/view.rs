//! Which reviews a list shows and in which order, from the query of `/` and `/reviews/{id}`. Every link, form and
//! redirect of the inbox has the same query, so a person stays in the view that they chose.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use shared::ids::{AgentId, MessageId};
use shared::models::{Message, ReviewStatus};
use shared::search;

/// The types of reviews that a view can be limited to. All others are `freeform`.
const TYPES: [&str; 5] = ["approval", "selection", "form", "text-input", FREEFORM];
const FREEFORM: &str = "freeform";

/// The query as it came; what it names and does not exist counts as absent.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct ReviewFilter {
    tab: String,
    q: String,
    agent: String,
    #[serde(rename = "type")]
    kind: String,
    order: String,
    cursor: String,
}

/// The order of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    Newest,
    /// The one that expires next first.
    Due,
}

/// A view of the list.
#[derive(Clone)]
pub struct View {
    pub status: ReviewStatus,
    pub search: String,
    pub agent: Option<AgentId>,
    pub kind: Option<&'static str>,
    pub order: Order,
    /// The last review of the page before.
    pub after: Option<Position>,
}

/// Where a review stands in a list: smaller comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(i64, std::cmp::Reverse<MessageOrder>);

type MessageOrder = u128;

impl Position {
    fn of(order: Order, message: &Message) -> Self {
        let due = message.review.as_ref().map_or(0, |review| review.expires_at.millis());
        Self::at(order, due, message.id)
    }

    fn at(order: Order, due: i64, id: MessageId) -> Self {
        Self(if order == Order::Due { due } else { 0 }, std::cmp::Reverse(id.ulid().0))
    }

    /// Reads the cursor of a page.
    fn parse(order: Order, cursor: &str) -> Option<Self> {
        let (due, id) = cursor.split_once('.')?;
        Some(Self::at(order, due.parse().ok()?, id.parse().ok()?))
    }
}

impl ReviewFilter {
    /// The view that the query names.
    pub fn view(&self) -> View {
        let status = ReviewStatus::WORDS.iter().find(|(word, _)| *word == self.tab);
        let status = status.map_or(ReviewStatus::Pending, |(_, it)| *it);
        let is_due = self.order == "due" && status == ReviewStatus::Pending;
        let order = if is_due { Order::Due } else { Order::Newest };
        View {
            status,
            search: self.q.trim().to_owned(),
            agent: self.agent.parse().ok(),
            kind: TYPES.into_iter().find(|it| *it == self.kind),
            order,
            after: Position::parse(order, &self.cursor),
        }
    }

    /// The query of the view, for links that are made without loading the list.
    pub fn query(&self) -> String {
        self.view().query()
    }
}

impl View {
    /// The query of this view, empty or from `?` on, without its page.
    pub fn query(&self) -> String {
        let mut parts = vec![];
        if self.status != ReviewStatus::Pending {
            parts.push(format!("tab={}", self.status.word()));
        }
        if !self.search.is_empty() {
            parts.push(format!("q={}", utf8_percent_encode(&self.search, NON_ALPHANUMERIC)));
        }
        if let Some(agent) = self.agent {
            parts.push(format!("agent={agent}"));
        }
        if let Some(kind) = self.kind {
            parts.push(format!("type={kind}"));
        }
        if self.order == Order::Due {
            parts.push("order=due".to_owned());
        }
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }

    /// The query of the page after `last`.
    pub fn query_after(&self, last: &Message) -> String {
        let due = last.review.as_ref().map_or(0, |review| review.expires_at.millis());
        let query = self.query();
        format!("{}cursor={due}.{}", if query.is_empty() { "?".to_owned() } else { query + "&" }, last.id)
    }

    /// Whether the view leaves out reviews of its status.
    pub fn is_limited(&self) -> bool {
        !self.search.is_empty() || self.agent.is_some() || self.kind.is_some()
    }

    /// Where a review stands in this view.
    pub fn position(&self, message: &Message) -> Position {
        Position::of(self.order, message)
    }

    /// Whether the view shows a review of its status; `name` is the name of its agent.
    pub fn has(&self, message: &Message, name: &str) -> bool {
        self.agent.is_none_or(|agent| agent == message.channel_id)
            && self.kind.is_none_or(|kind| kind == kind_of(message))
            && self.is_found(message, name)
    }

    fn is_found(&self, message: &Message, name: &str) -> bool {
        let search = search::folded(&self.search);
        let text = message.text.as_deref().unwrap_or_default();
        search.is_empty() || [text, name].iter().any(|it| search::folded(it).contains(&search))
    }
}

/// The type of a review as views name it.
pub fn kind_of(message: &Message) -> &'static str {
    let kind = message.review.as_ref().map_or(FREEFORM, |review| review.kind.as_str());
    TYPES.into_iter().find(|it| *it == kind).unwrap_or(FREEFORM)
}

/// The types of reviews and their labels.
pub fn types() -> impl Iterator<Item = (&'static str, &'static str)> {
    TYPES.into_iter().map(|word| (word, crate::review::summary::kind_word(word)))
}
