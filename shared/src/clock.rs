//! Time as an argument: code that depends on the time uses the clock in the state.
//!
//! - `guard`: a wall clock that jumps is not believed at once

mod guard;

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use ulid::Ulid;

use guard::Guard;

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
        Self::from_millis(self.0.saturating_add(millis(span)))
    }

    /// How long until `later`; zero when it has passed.
    pub fn until(self, later: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(later.0 - self.0).unwrap_or(0))
    }

    /// Its text for people, to the minute: `2026-11-29 21:00 UTC`.
    pub fn to_minute(self) -> String {
        let text = self.to_string();
        format!("{} {} UTC", &text[..10], &text[11..16])
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

/// The system's clock. Clones share what they know of it.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    guard: Option<Arc<Guard>>,
    moved: Option<Arc<Moved>>,
    last_stamp: Arc<AtomicI64>,
}

/// How far an [`adjustable`](Clock::adjustable) clock was moved, in milliseconds.
#[derive(Debug, Default)]
struct Moved {
    passed: AtomicI64,
    /// The wall clock alone.
    jumped: AtomicI64,
}

impl Clock {
    /// The system's clock, as it is.
    pub fn system() -> Self {
        Self::default()
    }

    /// The system's clock, whose jumps are not believed at once. `monotonic` is a time that nobody sets and that also
    /// passes while the machine sleeps.
    pub fn guarded(monotonic: fn() -> Duration) -> Self {
        Self { guard: Some(Arc::new(Guard::new(monotonic))), ..Self::default() }
    }

    /// A guarded clock that moves when [`advance`](Clock::advance) or [`jump`](Clock::jump) is called on a clone.
    pub fn adjustable() -> Self {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        Self { moved: Some(Arc::default()), ..Self::guarded(|| BEGAN.elapsed()) }
    }

    /// The system's clock as it is, as [`system`](Clock::system), but one that moves as an adjustable clock does.
    pub fn adjustable_system() -> Self {
        Self { moved: Some(Arc::default()), ..Self::system() }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let moved =
            |part: fn(&Moved) -> &AtomicI64| self.moved.as_ref().map_or(0, |it| part(it).load(Ordering::Relaxed));
        let passed = moved(|it| &it.passed);
        let wall = millis(since_epoch).saturating_add(passed).saturating_add(moved(|it| &it.jumped));
        Timestamp::from_millis(match &self.guard {
            Some(guard) => guard.read(wall, passed),
            None => wall,
        })
    }

    /// Whether the clock has jumped and the jump is not confirmed yet. [`now`](Clock::now) goes on from before the jump
    /// meanwhile.
    pub fn is_in_doubt(&self) -> bool {
        self.now();
        self.guard.as_ref().is_some_and(|guard| guard.is_in_doubt())
    }

    /// The time for the id of an item whose list is sorted by id: the current time, or a millisecond more than the last
    /// one if the clock was set back.
    pub fn stamp(&self) -> Timestamp {
        let now = self.now().millis();
        let next = |last: i64| if now < last { last + 1 } else { now };
        let last = self.last_stamp.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
        Timestamp::from_millis(last.map_or(now, next))
    }

    /// Lets every later [`stamp`](Clock::stamp) be later than `moment`.
    pub fn stamp_after(&self, moment: Timestamp) {
        self.last_stamp.fetch_max(moment.millis(), Ordering::Relaxed);
    }

    /// Lets time pass on an adjustable clock.
    pub fn advance(&self, span: Duration) {
        if let Some(moved) = &self.moved {
            moved.passed.fetch_add(millis(span), Ordering::Relaxed);
        }
    }

    /// Sets an adjustable clock forward, or back by a negative number, without time passing.
    pub fn jump(&self, millis: i64) {
        if let Some(moved) = &self.moved {
            moved.jumped.fetch_add(millis, Ordering::Relaxed);
        }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_never_go_back() {
        let clock = Clock::adjustable();
        let before = clock.stamp();
        clock.jump(-30_000);
        assert!(clock.now() < before);
        let (second, third) = (clock.stamp(), clock.stamp());
        assert!(before < second && second < third, "{before} {second} {third}");
        clock.stamp_after(third.plus(Duration::from_secs(3600)));
        assert!(clock.stamp() > third.plus(Duration::from_secs(3600)));
    }

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
