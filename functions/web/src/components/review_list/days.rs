//! The days that a history is limited to, from the query.

use std::time::Duration;

use shared::clock::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A span of days, both included. The zone of the reader may have another offset at its end than at its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// `2026-01-31`.
    pub from: Option<String>,
    pub to: Option<String>,
    /// Minutes east of UTC when the first day begins.
    zone: i16,
    /// Minutes east of UTC when the last day ends.
    to_zone: i16,
}

impl Days {
    /// Reads each day with the offset of its end of the span, as the query has them. What is no day counts as absent; the
    /// last day has the offset of the first one if it names none.
    pub fn parse([from, zone]: [&str; 2], [to, to_zone]: [&str; 2]) -> Self {
        let zone = minutes(zone).unwrap_or_default();
        let to_zone = minutes(to_zone).unwrap_or(zone);
        let from = start(from, zone).map(|_| from.to_owned());
        let to = start(to, to_zone).map(|_| to.to_owned());
        let zone = if from.is_some() { zone } else { 0 };
        let to_zone = if to.is_some() { to_zone } else { zone };
        Self { from, to, zone, to_zone }
    }

    /// The first moment of the days, and the first one after them.
    pub fn span(&self) -> [Option<Timestamp>; 2] {
        let from = self.from.as_deref().and_then(|day| start(day, self.zone));
        let to = self.to.as_deref().and_then(|day| start(day, self.to_zone));
        [from, to.map(|day| day.plus(DAY))]
    }

    /// The members of a query that name the days.
    pub fn query(&self) -> impl Iterator<Item = String> {
        let zone = Some(self.zone.to_string()).filter(|_| self.zone != 0);
        let to_zone = Some(self.to_zone.to_string()).filter(|_| self.to_zone != self.zone);
        let members = [("from", self.from.clone()), ("zone", zone), ("to", self.to.clone()), ("toZone", to_zone)];
        members.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)))
    }
}

/// An offset of the query, if it is one that a zone has.
fn minutes(offset: &str) -> Option<i16> {
    offset.parse().ok().filter(|minutes| (-14 * 60..=14 * 60).contains(minutes))
}

/// The first moment of a day at an offset from UTC.
fn start(day: &str, zone: i16) -> Option<Timestamp> {
    let sign = if zone < 0 { '-' } else { '+' };
    let (hours, minutes) = (zone.unsigned_abs() / 60, zone.unsigned_abs() % 60);
    Timestamp::parse(&format!("{day}T00:00:00{sign}{hours:02}:{minutes:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(from: &str, to: &str) -> [Option<String>; 2] {
        [from, to].map(|it| Some(it.to_owned()))
    }

    fn span(days: &Days) -> [Option<String>; 2] {
        days.span().map(|at| at.map(|it| it.to_string()))
    }

    #[test]
    fn days_begin_at_midnight_of_their_zone_and_the_last_one_is_included() {
        let span = |zone| span(&Days::parse(["2026-03-01", zone], ["2026-03-02", ""]));
        assert_eq!(span(""), both("2026-03-01T00:00:00.000Z", "2026-03-03T00:00:00.000Z"));
        assert_eq!(span("330"), both("2026-02-28T18:30:00.000Z", "2026-03-02T18:30:00.000Z"));
        assert_eq!(span("-60"), both("2026-03-01T01:00:00.000Z", "2026-03-03T01:00:00.000Z"));
        assert_eq!(span("9999"), span(""));
    }

    #[test]
    fn the_last_day_ends_at_the_offset_that_its_zone_has_by_then() {
        let spring = Days::parse(["2026-03-29", "60"], ["2026-03-29", "120"]);
        assert_eq!(span(&spring), both("2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"));
        let winter = Days::parse(["2026-07-01", "60"], ["2026-12-01", "0"]);
        assert_eq!(span(&winter), both("2026-06-30T23:00:00.000Z", "2026-12-02T00:00:00.000Z"));
        for days in [spring, winter] {
            let query = days.query().collect::<Vec<_>>();
            let value =
                |name: &str| query.iter().find_map(|it| it.strip_prefix(&format!("{name}="))).unwrap_or_default();
            assert_eq!(Days::parse([value("from"), value("zone")], [value("to"), value("toZone")]), days);
        }
    }

    #[test]
    fn what_is_no_day_is_left_out() {
        assert_eq!(Days::parse(["2026-02-30", "60"], ["x&y=1", "120"]), Days::default());
    }
}
