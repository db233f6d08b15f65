//! Dates, times and datetimes of forms. They are compared as moments, never as texts.
//!
//! A datetime may carry an offset. With one on both sides the instants are compared. A bound
//! without an offset is compared with the wall clock of the answer, as a browser's input does. An
//! answer without an offset counts as UTC where the bound has one.

use std::cmp::Ordering;

use time::format_description::BorrowedFormatItem;
use time::macros::{date, format_description, time};
use time::{Date, Duration, PrimitiveDateTime, Time, UtcOffset};

/// What a moment consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    Date,
    Time,
    Datetime,
}

/// A date, a time, or a date with a time and perhaps an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Date(Date),
    Time(Time),
    Datetime(PrimitiveDateTime, Option<UtcOffset>),
}

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[hour]:[minute][optional [:[second][optional [.[subsecond]]]]]");
const OFFSET: &[BorrowedFormatItem<'_>] = format_description!("[offset_hour sign:mandatory]:[offset_minute]");

const EPOCH: PrimitiveDateTime = PrimitiveDateTime::new(date!(1970 - 01 - 01), Time::MIDNIGHT);
/// The first and the last moment that an HTML input and this service both know.
const FIRST: PrimitiveDateTime = PrimitiveDateTime::new(date!(0001 - 01 - 01), Time::MIDNIGHT);
const LAST: PrimitiveDateTime = PrimitiveDateTime::new(date!(9999 - 12 - 31), time!(23:59:59.999));

impl Precision {
    /// An answer: `2026-01-31`, `09:30`, or `2026-01-31T09:30` with or without an offset; times
    /// may have seconds and fractions.
    pub fn answered(self, text: &str) -> Option<Moment> {
        match (self, parts(text, &['T', 't'])?) {
            (Self::Date, (Some(date), None, None)) => Some(Moment::Date(date)),
            (Self::Time, (None, Some(time), None)) => Some(Moment::Time(time)),
            (Self::Datetime, (Some(date), Some(time), offset)) => {
                Some(Moment::Datetime(PrimitiveDateTime::new(date, time), offset))
            }
            _ => None,
        }
    }

    /// A bound or a default: what an answer may be, or any RFC 3339 moment, of which a date or a
    /// time takes its part as it is written. A datetime takes a date as its midnight.
    pub fn asked(self, text: &str) -> Option<Moment> {
        match (self, parts(text.trim(), &['T', 't', ' '])?) {
            (Self::Date, (Some(date), ..)) => Some(Moment::Date(date)),
            (Self::Time, (_, Some(time), _)) => Some(Moment::Time(time)),
            (Self::Datetime, (Some(date), time, offset)) => {
                Some(Moment::Datetime(PrimitiveDateTime::new(date, time.unwrap_or(Time::MIDNIGHT)), offset))
            }
            _ => None,
        }
    }

    /// How such a value is written.
    pub fn example(self) -> &'static str {
        match self {
            Self::Date => "2026-01-31",
            Self::Time => "09:30",
            Self::Datetime => "2026-01-31T09:30",
        }
    }

    /// How many milliseconds a `step` of 1 has in HTML.
    pub fn step_unit(self) -> i128 {
        if self == Self::Date { 86_400_000 } else { 1000 }
    }

    /// The last moment of this kind; a day has none.
    pub fn last(self) -> Option<Moment> {
        match self {
            Self::Date => Some(Moment::Date(LAST.date())),
            Self::Time => None,
            Self::Datetime => Some(Moment::Datetime(LAST, None)),
        }
    }

    /// The earliest moment that lies on the grid of `step` milliseconds from 1970 or midnight. As
    /// an input's `min` it makes a browser count its steps from there.
    pub fn first_on_grid(self, step: i128) -> Moment {
        if self == Self::Time {
            return Moment::Time(Time::MIDNIGHT);
        }
        let steps = (EPOCH - FIRST).whole_milliseconds() / step;
        let span = i64::try_from(steps * step).map_or(Duration::ZERO, Duration::milliseconds);
        let first = EPOCH.checked_sub(span).unwrap_or(EPOCH);
        if self == Self::Date { Moment::Date(first.date()) } else { Moment::Datetime(first, None) }
    }
}

type Parts = (Option<Date>, Option<Time>, Option<UtcOffset>);

fn parts(text: &str, separators: &[char]) -> Option<Parts> {
    let (date, rest) = match text.split_at_checked(10).map(|(start, rest)| (Date::parse(start, DATE), rest)) {
        Some((Ok(date), rest)) => (Some(date).filter(|date| (1..=9999).contains(&date.year())), rest),
        _ => return in_zone(text).map(|(time, offset)| (None, Some(time), offset)),
    };
    date?;
    if rest.is_empty() {
        return Some((date, None, None));
    }
    let (time, offset) = in_zone(rest.strip_prefix(separators)?)?;
    Some((date, Some(time), offset))
}

fn in_zone(text: &str) -> Option<(Time, Option<UtcOffset>)> {
    let (time, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(time) => (time, Some(UtcOffset::UTC)),
        None => match text.rfind(['+', '-']) {
            Some(at) => (&text[..at], Some(parse_offset(&text[at..])?)),
            None => (text, None),
        },
    };
    Some((Time::parse(time, TIME).ok()?, offset))
}

/// An offset from UTC as RFC 3339 writes it.
pub fn parse_offset(text: &str) -> Option<UtcOffset> {
    if text == "Z" {
        return Some(UtcOffset::UTC);
    }
    UtcOffset::parse(text, OFFSET).ok().filter(|offset| offset.whole_hours().abs() < 24)
}

impl Moment {
    /// As it stands to `bound`.
    pub fn compare(self, bound: Self) -> Ordering {
        match (self, bound) {
            (Self::Datetime(at, offset), Self::Datetime(bound, Some(of_bound))) => {
                at.assume_offset(offset.unwrap_or(UtcOffset::UTC)).cmp(&bound.assume_offset(of_bound))
            }
            _ => self.wall_millis().cmp(&bound.wall_millis()),
        }
    }

    /// How many milliseconds lie between `base`, or 1970 or midnight, and this.
    pub fn millis_since(self, base: Option<Self>) -> i128 {
        match (self, base) {
            (Self::Datetime(at, offset), Some(Self::Datetime(base, Some(of_base)))) => {
                let at = at.assume_offset(offset.unwrap_or(UtcOffset::UTC));
                (at - base.assume_offset(of_base)).whole_milliseconds()
            }
            _ => self.wall_millis() - base.map_or(0, Self::wall_millis),
        }
    }

    fn wall_millis(self) -> i128 {
        match self {
            Self::Date(date) => (date.midnight() - EPOCH).whole_milliseconds(),
            Self::Time(time) => (time - Time::MIDNIGHT).whole_milliseconds(),
            Self::Datetime(at, _) => (at - EPOCH).whole_milliseconds(),
        }
    }

    /// The UTC offset, if the moment has one.
    pub fn offset(self) -> Option<UtcOffset> {
        match self {
            Self::Datetime(_, offset) => offset,
            _ => None,
        }
    }

    /// As an HTML input's `value`, `min` or `max`; one with an offset in UTC.
    pub fn to_input(self) -> String {
        match self {
            Self::Date(date) => date_text(date),
            Self::Time(time) => time_text(time, false),
            Self::Datetime(at, offset) => {
                let at = offset.map_or(Some(at), |offset| {
                    let utc = at.assume_offset(offset).checked_to_offset(UtcOffset::UTC)?;
                    Some(PrimitiveDateTime::new(utc.date(), utc.time()))
                });
                at.map(|at| format!("{}T{}", date_text(at.date()), time_text(at.time(), false))).unwrap_or_default()
            }
        }
    }

    /// A datetime as RFC 3339 with the clock as it is written and `offset`.
    pub fn to_rfc3339(self, offset: UtcOffset) -> Option<String> {
        let Self::Datetime(at, _) = self else { return None };
        let zone = if offset.is_utc() { "Z".to_owned() } else { offset.format(OFFSET).ok()? };
        Some(format!("{}T{}{zone}", date_text(at.date()), time_text(at.time(), true)))
    }
}

fn date_text(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

fn time_text(time: Time, with_seconds: bool) -> String {
    let (hour, minute, second) = time.as_hms();
    match time.millisecond() {
        0 if second == 0 && !with_seconds => format!("{hour:02}:{minute:02}"),
        0 => format!("{hour:02}:{minute:02}:{second:02}"),
        millis => format!("{hour:02}:{minute:02}:{second:02}.{millis:03}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_an_input_writes_or_rfc_3339() {
        for (precision, good, bad) in [
            (Precision::Date, "2024-02-29", "2026-02-29"),
            (Precision::Date, "0001-01-01", "0000-01-01"),
            (Precision::Date, "9999-12-31", "2026-12-01T00:00:00Z"),
            (Precision::Time, "09:30", "9:30"),
            (Precision::Time, "23:59:59.5", "24:00"),
            (Precision::Time, "00:00", "09:30Z"),
            (Precision::Datetime, "2026-01-31T09:30", "2026-01-31"),
            (Precision::Datetime, "2026-01-31T09:30:00+05:30", "2026-01-31 09:30"),
            (Precision::Datetime, "2026-01-31T09:30:00.123Z", "2026-01-31T09:30:00+0530"),
            (Precision::Datetime, "2026-01-31T09:30:00-12:00", "2026-01-31T09:30:00+25:00"),
        ] {
            assert!(precision.answered(good).is_some(), "{good}");
            assert_eq!(precision.answered(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_bound_is_read_from_any_rfc_3339_moment() {
        let shown = |precision: Precision, text| precision.asked(text).map(Moment::to_input).unwrap_or_default();
        assert_eq!(shown(Precision::Date, "2026-12-24T00:00:00.000Z"), "2026-12-24");
        assert_eq!(shown(Precision::Time, "2026-12-24T18:30:00+02:00"), "18:30");
        assert_eq!(shown(Precision::Time, "09:00:00"), "09:00");
        assert_eq!(shown(Precision::Datetime, "2026-12-24T18:30:00+02:00"), "2026-12-24T16:30");
        assert_eq!(shown(Precision::Datetime, "2026-12-24 18:30:05"), "2026-12-24T18:30:05");
        assert_eq!(shown(Precision::Datetime, "2026-12-24"), "2026-12-24T00:00");
        for text in ["today", "", "24.12.2026", "2026-13-01", "äöüäöüäöü"] {
            assert_eq!(Precision::Date.asked(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_moment_on_a_grid_counts_from_1970() {
        for step in [1_i128, 7, 30, 365, 1_000_000_000] {
            let millis = step * Precision::Date.step_unit();
            assert_eq!(Precision::Date.first_on_grid(millis).millis_since(None).rem_euclid(millis), 0);
            assert_eq!(Precision::Datetime.first_on_grid(step).millis_since(None).rem_euclid(step), 0);
        }
    }
}
