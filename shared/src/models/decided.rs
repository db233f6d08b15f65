//! The history of decisions: reviews that were answered, that expired or that were withdrawn.

use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::clock::Timestamp;
use crate::ids::{AgentId, Nil, UserId};
use crate::models::{HistoryEntry, Message, ReviewStatus};
use crate::search;
use crate::validation::{FromParams, Params};

/// A decided review: how it ended, and its message
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecidedMessage {
    pub outcome: HistoryEntry,
    pub message: Message,
}

/// Decided reviews, the one decided last first
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecidedReviews {
    pub data: Vec<DecidedMessage>,
    /// Where the next page begins. A page may have fewer reviews than `limit`, or none, and still have one.
    pub next_cursor: Option<String>,
    /// All that was decided since then was read; null when everything was.
    pub searched_back_to: Option<Timestamp>,
}

/// Which decided reviews a history shows.
#[derive(Clone, Default)]
pub struct DecidedFilter {
    /// Any outcome, without one.
    pub status: Option<ReviewStatus>,
    /// Of all the person's agents, without one.
    pub channel: Option<AgentId>,
    /// Whose answers; those of everybody, expired and withdrawn ones included, without one.
    pub person: Option<UserId>,
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The first moment after it.
    pub to: Option<Timestamp>,
    /// In the form that searches compare; see [`search::folded`].
    pub search: Option<String>,
}

impl DecidedFilter {
    /// The statuses that it may show.
    pub fn statuses(&self) -> impl Iterator<Item = ReviewStatus> {
        let all = [ReviewStatus::Completed, ReviewStatus::Expired, ReviewStatus::Cancelled];
        // Only people answer, and they do nothing else that ends a review.
        let (wanted, is_answers) = (self.status, self.person.is_some());
        let has = move |it: &ReviewStatus| {
            wanted.is_none_or(|wanted| wanted == *it) && (!is_answers || *it == ReviewStatus::Completed)
        };
        all.into_iter().filter(has)
    }

    /// Whether what the index finds has to be read to know whether it is shown.
    pub fn reads_contents(&self) -> bool {
        self.search.is_some() || self.person.is_some()
    }

    /// Whether a message of the right agent, status and time is shown. It is searched as people see it.
    pub fn matches(&self, message: &Message) -> bool {
        let by = message.review.as_ref().and_then(|review| review.responded_by);
        self.person.is_none_or(|person| by == Some(person))
            && self.search.as_ref().is_none_or(|search| search::folded(&searched_text(message)).contains(search))
    }
}

/// What a search of decided reviews looks at: the text, the metadata, the act, the response and the comment.
fn searched_text(message: &Message) -> String {
    let mut text = message.text.clone().unwrap_or_default();
    let review = message.review.as_ref();
    let documents = [&message.metadata].into_iter().chain(review.into_iter().flat_map(|it| [&it.action, &it.response]));
    for document in documents.flatten() {
        add_values(&document.value(), &mut text);
    }
    for said in review.into_iter().flat_map(|it| [&it.feedback, &it.cancel_reason]).flatten() {
        add_line(said, &mut text);
    }
    text
}

fn add_line(line: &str, text: &mut String) {
    text.push('\n');
    text.push_str(line);
}

/// Adds the names and the values of a JSON document, whose nesting its parser limits.
fn add_values(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            add_line(name, text);
            add_values(value, text);
        }),
        Value::Array(values) => values.iter().for_each(|value| add_values(value, text)),
        Value::String(value) => add_line(value, text),
        other => add_line(&other.to_string(), text),
    }
}

/// The query of `GET /api/messages/reviews/history`
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListDecided {
    /// `completed`, `expired`, `cancelled` or `all`.
    #[param(value_type = Option<String>, default = "all", example = "completed")]
    pub status: Option<ReviewStatus>,
    /// An agent's id: only the reviews of its channel.
    #[param(value_type = Option<String>)]
    pub channel: Option<AgentId>,
    /// A user's id: only what this person answered.
    #[param(value_type = Option<String>)]
    pub person: Option<UserId>,
    /// Only what was decided then or later.
    pub from: Option<Timestamp>,
    /// Only what was decided before then.
    pub to: Option<Timestamp>,
    /// Only reviews whose text, metadata, act, response or comment contains this, in any case.
    pub search: Option<String>,
    /// How many at most.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 100, default = 50)]
    pub limit: usize,
    /// The `nextCursor` of the page before.
    pub cursor: Option<String>,
}

impl FromParams for ListDecided {
    fn from_params(params: &mut Params) -> Option<Self> {
        let decided = ReviewStatus::WORDS.into_iter().filter(|(_, status)| *status != ReviewStatus::Pending);
        let choices: Vec<_> = decided.map(|(word, status)| (word, Some(status))).chain([("all", None)]).collect();
        let status = params.one_of("status", &choices, None);
        let (from, to) = (moment(params, "from"), moment(params, "to"));
        let limit = params.limit(50);
        Some(Self {
            channel: params.text("channel").map(|text| AgentId::parse_or_nil(&text)),
            person: params.text("person").map(|text| UserId::parse_or_nil(&text)),
            search: params.text("search"),
            cursor: params.text("cursor"),
            status: status?,
            from,
            to,
            limit: limit?,
        })
    }
}

impl ListDecided {
    /// The filter that the query names.
    pub fn filter(&self) -> DecidedFilter {
        let Self { status, channel, person, from, to, .. } = *self;
        let search = self.search.as_deref().map(search::folded);
        DecidedFilter { status, channel, person, from, to, search }
    }
}

/// A time; none if it is absent, or no time, which is a problem of the parameter.
fn moment(params: &mut Params, name: &str) -> Option<Timestamp> {
    let text = params.text(name)?;
    let moment = Timestamp::parse(&text);
    if moment.is_none() {
        params.problem(name, "not_a_time", format!("{name} must be a time such as 2026-01-31T09:30:00Z"));
    }
    moment
}
