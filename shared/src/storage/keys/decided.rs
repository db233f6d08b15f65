//! Places of decided reviews, by the time when they were decided, expired or cancelled: one in the index `owner`, and
//! one among those of their agent in the index `due`.

use std::fmt;

use dynamo::Item;
use dynamo::value::Value;
use ulid::Ulid;

use crate::clock::Timestamp;
use crate::ids::{AgentId, MessageId, parse_ulid};
use crate::models::ReviewStatus;
use crate::storage::keys::owned;

/// Where a decided review sorts among those of its status: by time, then by id. Reviews that were decided by code of
/// schema version 2 have their id alone until they are migrated, and so sort as the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DecidedPlace {
    at: Option<Timestamp>,
    ulid: Ulid,
}

impl DecidedPlace {
    /// The place of a review that was decided at this time.
    pub fn new(at: Timestamp, message: MessageId) -> Self {
        Self { at: Some(at), ulid: message.ulid() }
    }

    /// The time of the place; of a review that is not migrated, when it was asked.
    pub fn time(self) -> Timestamp {
        self.at.unwrap_or_else(|| Timestamp::of_ulid(self.ulid))
    }

    /// The place in a list of decided reviews that a client sends back as its cursor.
    pub fn cursor(self) -> String {
        self.at.map_or_else(|| format!(".{}", self.ulid), |at| format!("{}.{}", at.millis(), self.ulid))
    }

    /// Reads a cursor.
    pub fn parse_cursor(cursor: &str) -> Option<Self> {
        let (millis, ulid) = cursor.split_once('.')?;
        let at = if millis.is_empty() { None } else { Some(Timestamp::from_millis(millis.parse().ok()?)) };
        Some(Self { at, ulid: parse_ulid(ulid).ok()? })
    }

    /// The place of an item of the index `owner`, among those of a status.
    pub fn of_owned(item: &Item, status: ReviewStatus) -> Option<Self> {
        let sort = item.get("ownerSort").and_then(|sort: &Value| sort.as_s().ok())?;
        Self::parse(sort.strip_prefix(&owned::reviews(status))?)
    }

    /// The same of an item among those of its agent.
    pub fn of_agents(item: &Item, status: ReviewStatus) -> Option<Self> {
        let sort = item.get("dueSort").and_then(|sort: &Value| sort.as_s().ok())?;
        Self::parse(sort.strip_prefix(&agents_prefix(status))?)
    }

    fn parse(place: &str) -> Option<Self> {
        match place.split_once('#') {
            None => Some(Self { at: None, ulid: parse_ulid(place).ok()? }),
            Some((at, ulid)) => Some(Self { at: Some(Timestamp::parse(at)?), ulid: parse_ulid(ulid).ok()? }),
        }
    }

    /// The last place before this one.
    fn before(self) -> Self {
        Self { ulid: Ulid::from(u128::from(self.ulid).saturating_sub(1)), ..self }
    }
}

impl fmt::Display for DecidedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{at}#{}", self.ulid),
            None => write!(f, "{}", self.ulid),
        }
    }
}

/// A span of places of decided reviews.
#[derive(Clone, Copy, Default)]
pub struct DecidedSpan {
    /// The first time in it; without one it has the reviews that are not migrated, too.
    pub from: Option<Timestamp>,
    /// The first time after it.
    pub to: Option<Timestamp>,
    /// Only what sorts before this place.
    pub before: Option<DecidedPlace>,
}

impl DecidedSpan {
    /// The first and the last sort key of the span under a prefix, both included; none of an empty span.
    fn bounds(self, prefix: &str) -> Option<[String; 2]> {
        let first = self.from.map_or_else(String::new, |from| from.to_string());
        // A place sorts after its time alone, and before `~`.
        let last = [self.to.map(|to| to.to_string()), self.before.map(|place| place.before().to_string())];
        let last = last.into_iter().flatten().min().unwrap_or_else(|| "~".to_owned());
        (first <= last).then(|| [format!("{prefix}{first}"), format!("{prefix}{last}")])
    }

    /// The span of a status in the index `owner`.
    pub fn owned(self, status: ReviewStatus) -> Option<[String; 2]> {
        self.bounds(&owned::reviews(status))
    }

    /// The span of a status among the decided reviews of an agent.
    pub fn of_agent(self, status: ReviewStatus) -> Option<[String; 2]> {
        self.bounds(&agents_prefix(status))
    }
}

/// The partition of an agent's decided reviews in the index `due`.
pub fn agents_decided(agent: AgentId) -> String {
    format!("DECIDED#{}", agent.ulid())
}

/// The place of a decided review in the index `owner`.
pub fn owned_decided(status: ReviewStatus, place: DecidedPlace) -> String {
    format!("{}{place}", owned::reviews(status))
}

/// The place of a decided review in [`agents_decided`].
pub fn agents_decided_sort(status: ReviewStatus, place: DecidedPlace) -> String {
    format!("{}{place}", agents_prefix(status))
}

fn agents_prefix(status: ReviewStatus) -> String {
    format!("{}#", status.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(at: &str, ulid: u128) -> DecidedPlace {
        DecidedPlace { at: Timestamp::parse(at), ulid: Ulid::from(ulid) }
    }

    #[test]
    fn places_sort_by_time_as_their_texts_do_and_places_without_a_time_come_first() {
        let ordered = [place("", 7), place("", 8), place("2026-01-01T00:00:00Z", 9), place("2026-01-02T00:00:00Z", 1)];
        assert!(ordered.is_sorted());
        assert!(ordered.map(|place| place.to_string()).is_sorted());
        for place in ordered {
            assert_eq!(DecidedPlace::parse(&place.to_string()), Some(place));
            assert_eq!(DecidedPlace::parse_cursor(&place.cursor()), Some(place));
        }
    }

    #[test]
    fn a_span_has_its_first_moment_and_not_its_end() {
        let [one, two] = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"].map(Timestamp::parse);
        let bounds = DecidedSpan { from: one, to: two, before: None }.bounds("");
        let is_in = |place: DecidedPlace| {
            bounds.clone().is_some_and(|[first, last]| (first..=last).contains(&place.to_string()))
        };
        assert!(is_in(place("2026-01-01T00:00:00Z", 0)) && is_in(place("2026-01-01T23:59:59.999Z", u128::MAX)));
        assert!(!is_in(place("2026-01-02T00:00:00Z", 0)) && !is_in(place("", 5)));
        assert!(DecidedSpan { from: two, to: one, before: None }.bounds("").is_none());
    }
}
