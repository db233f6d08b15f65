//! The days that a history is limited to, from the query.

use std::time::Duration;

use shared::clock::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A span of days, both included, in a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// `2026-01-31`.
    pub from: Option<String>,
    pub to: Option<String>,
    /// Minutes east of UTC.
    zone: i16,
}

impl Days {
    /// Reads the days as a form sends them; what is no day counts as absent.
    pub fn parse(from: &str, to: &str, zone: &str) -> Self {
        let zone = zone.parse().ok().filter(|minutes| (-14 * 60..=14 * 60).contains(minutes)).unwrap_or_default();
        let day = |text: &str| start(text, zone).map(|_| text.to_owned());
        let (from, to) = (day(from), day(to));
        let zone = if from.is_some() || to.is_some() { zone } else { 0 };
        Self { from, to, zone }
    }

    /// The first moment of the days, and the first one after them.
    pub fn span(&self) -> [Option<Timestamp>; 2] {
        let start = |day: &Option<String>| day.as_deref().and_then(|day| start(day, self.zone));
        [start(&self.from), start(&self.to).map(|day| day.plus(DAY))]
    }

    /// The members of a query that name the days.
    pub fn query(&self) -> impl Iterator<Item = String> {
        let zone = Some(self.zone.to_string()).filter(|_| self.zone != 0);
        let members = [("from", self.from.clone()), ("to", self.to.clone()), ("zone", zone)];
        members.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)))
    }
}

/// The first moment of a day in a zone.
fn start(day: &str, zone: i16) -> Option<Timestamp> {
    let sign = if zone < 0 { '-' } else { '+' };
    let (hours, minutes) = (zone.unsigned_abs() / 60, zone.unsigned_abs() % 60);
    Timestamp::parse(&format!("{day}T00:00:00{sign}{hours:02}:{minutes:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_of_their_zone_and_the_last_one_is_included() {
        let span = |zone| Days::parse("2026-03-01", "2026-03-02", zone).span().map(|at| at.map(|it| it.to_string()));
        let both = |from: &str, to: &str| [from, to].map(|it| Some(it.to_owned()));
        assert_eq!(span(""), both("2026-03-01T00:00:00.000Z", "2026-03-03T00:00:00.000Z"));
        assert_eq!(span("330"), both("2026-02-28T18:30:00.000Z", "2026-03-02T18:30:00.000Z"));
        assert_eq!(span("-60"), both("2026-03-01T01:00:00.000Z", "2026-03-03T01:00:00.000Z"));
        assert_eq!(span("9999"), span(""));
    }

    #[test]
    fn what_is_no_day_is_left_out() {
        assert_eq!(Days::parse("2026-02-30", "x&y=1", "60"), Days::default());
    }
}
