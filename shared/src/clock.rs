//! Time as an argument: code that depends on the time uses the clock in the state.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use ulid::Ulid;

/// A moment, in whole milliseconds since 1970 UTC.
///
/// Its text is RFC 3339 in UTC with exactly three decimals, so texts sort as moments do:
/// conditions in the table compare them as strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first and last moments whose text has a four-digit year.
    const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

    /// The moment this many milliseconds after 1970 UTC.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(*Self::RANGE.start(), *Self::RANGE.end()))
    }

    /// The time that an id carries.
    pub fn of_ulid(ulid: Ulid) -> Self {
        Self::from_millis(i64::try_from(ulid.timestamp_ms()).unwrap_or(i64::MAX))
    }

    /// Milliseconds since 1970 UTC.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds, as DynamoDB's TTL wants them.
    pub fn epoch_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment `span` later, in whole milliseconds.
    pub fn plus(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// How long until `later`; zero when it has passed.
    pub fn until(self, later: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(later.0 - self.0).unwrap_or(0))
    }

    /// Parses any RFC 3339 text, whatever its offset.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let millis = i64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000_000)).ok()?;
        Self::RANGE.contains(&millis).then_some(Self(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|moment| moment.format(format).ok())
            .ok_or(fmt::Error)?;
        f.write_str(&text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| de::Error::custom("not an RFC 3339 time"))
    }
}

/// The system's clock, moved by an offset that only an [`adjustable`](Clock::adjustable) one has.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_ms: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock whose clones all move when [`advance`](Clock::advance) is called on one.
    pub fn adjustable() -> Self {
        Self { offset_ms: Some(Arc::default()) }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let offset = self.offset_ms.as_ref().map_or(0, |ms| ms.load(Ordering::Relaxed));
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX).saturating_add(offset))
    }

    /// Moves an adjustable clock forward; the system's cannot be moved.
    pub fn advance(&self, span: Duration) {
        if let Some(offset) = &self.offset_ms {
            offset.fetch_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_three_decimals_and_sorts_as_time_does() {
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
        let given = Timestamp::parse("2026-01-31T10:30:00.0005+01:00").map(|t| t.to_string());
        assert_eq!(given.as_deref(), Some("2026-01-31T09:30:00.000Z"));
        assert!(Timestamp::from_millis(999).to_string() < Timestamp::from_millis(1_000).to_string());
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2026-02-30T00:00:00Z", "2026-01-31T09:30:00"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }
}
