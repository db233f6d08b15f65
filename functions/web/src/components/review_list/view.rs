//! Which reviews a list shows and in which order, from the query of `/` and `/reviews/{id}`. Every link, form and
//! redirect of the inbox has the same query, so a person stays in the view that they chose.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use shared::ids::{AgentId, MessageId, UserId};
use shared::models::{DecidedFilter, Message, ReviewStatus};
use shared::search;
use shared::storage::keys::DecidedPlace;

use crate::components::review_list::days::Days;

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
    person: String,
    from: String,
    to: String,
    zone: String,
    #[serde(rename = "toZone")]
    to_zone: String,
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

/// Which reviews a list has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// Those that wait for an answer.
    Waiting,
    /// The history: decided ones, of one outcome or of all.
    History(Option<ReviewStatus>),
}

impl Tab {
    /// All tabs with their words.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("pending", Self::Waiting),
        ("decided", Self::History(None)),
        ("completed", Self::History(Some(ReviewStatus::Completed))),
        ("expired", Self::History(Some(ReviewStatus::Expired))),
        ("cancelled", Self::History(Some(ReviewStatus::Cancelled))),
    ];

    /// The word of the tab in queries.
    pub fn word(self) -> &'static str {
        Self::WORDS.into_iter().find(|(_, tab)| *tab == self).map_or("pending", |(word, _)| word)
    }
}

/// A view of the list.
#[derive(Clone)]
pub struct View {
    pub tab: Tab,
    pub search: String,
    pub agent: Option<AgentId>,
    pub kind: Option<&'static str>,
    pub order: Order,
    /// Whose answers, in the history.
    pub person: Option<UserId>,
    /// The days of the history.
    pub days: Days,
    /// The last review of the page before.
    pub after: Option<Position>,
    /// The same in the history.
    pub before: Option<DecidedPlace>,
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
        let tab = Tab::WORDS.into_iter().find(|(word, _)| *word == self.tab).map_or(Tab::Waiting, |(_, tab)| tab);
        let is_waiting = tab == Tab::Waiting;
        let order = if self.order == "due" && is_waiting { Order::Due } else { Order::Newest };
        let days = Days::parse([&self.from, &self.zone], [&self.to, &self.to_zone]);
        View {
            tab,
            search: self.q.trim().to_owned(),
            agent: self.agent.parse().ok(),
            kind: TYPES.into_iter().find(|it| *it == self.kind && is_waiting),
            order,
            person: self.person.parse().ok().filter(|_| !is_waiting),
            days: if is_waiting { Days::default() } else { days },
            after: Position::parse(order, &self.cursor).filter(|_| is_waiting),
            before: DecidedPlace::parse_cursor(&self.cursor).filter(|_| !is_waiting),
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
        if self.tab != Tab::Waiting {
            parts.push(format!("tab={}", self.tab.word()));
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
        if let Some(person) = self.person {
            parts.push(format!("person={person}"));
        }
        parts.extend(self.days.query());
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }

    /// The query of the page after `last`.
    pub fn query_after(&self, last: &Message) -> String {
        let due = last.review.as_ref().map_or(0, |review| review.expires_at.millis());
        let query = self.query();
        format!("{}cursor={due}.{}", if query.is_empty() { "?".to_owned() } else { query + "&" }, last.id)
    }

    /// The query of the page of the history after a place.
    pub fn query_before(&self, place: DecidedPlace) -> String {
        format!("{}&cursor={}", self.query(), place.cursor())
    }

    /// The history that the view shows; none of a view of what waits.
    pub fn history(&self) -> Option<DecidedFilter> {
        let Tab::History(status) = self.tab else { return None };
        let search = Some(search::folded(&self.search)).filter(|search| !search.is_empty());
        let [from, to] = self.days.span();
        Some(DecidedFilter { status, channel: self.agent, person: self.person, from, to, search })
    }

    /// Whether the view leaves out reviews of its tab.
    pub fn is_limited(&self) -> bool {
        let is_filtered = self.agent.is_some() || self.kind.is_some() || self.person.is_some();
        !self.search.is_empty() || is_filtered || self.days != Days::default()
    }

    /// Where a review stands in this view.
    pub fn position(&self, message: &Message) -> Position {
        Position::of(self.order, message)
    }

    /// Whether the view shows a pending review; `name` is the name of its agent.
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
