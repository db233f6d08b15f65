//! The hours of the day in which a person is not notified.

use std::fmt;

use jiff::Timestamp as Instant;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::review::Risk;
use crate::validation::{FromObject, JsonObject};

const MAX_ZONE: usize = 64;

/// Hours of each day without notifications; they may last over midnight
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuietHours {
    #[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "22:00")]
    pub from: TimeOfDay,
    #[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "07:00")]
    pub to: TimeOfDay,
    /// A name of the IANA time zone database
    #[schema(value_type = String, example = "Europe/Berlin")]
    pub time_zone: ZoneName,
    /// The lowest risk that notifies all the same; null for none. `high` where it is absent.
    #[schema(required = false)]
    pub min_risk: Option<Risk>,
}

impl QuietHours {
    /// When a request of this risk may notify that would do so at `at`: then, or when the quiet hours end.
    pub fn passed(&self, at: Timestamp, risk: Risk) -> Timestamp {
        if self.min_risk.is_some_and(|min| risk >= min) {
            return at;
        }
        self.end(at).unwrap_or(at)
    }

    /// When the quiet hours end that `at` is in.
    fn end(&self, at: Timestamp) -> Option<Timestamp> {
        let zone = self.time_zone.zone()?;
        let local = Instant::from_millisecond(at.millis()).ok()?.to_zoned_datetime(zone.clone());
        let (time, from, to) = (local.time(), self.from.0, self.to.0);
        let is_inside = if from < to { from <= time && time < to } else { from <= time || time < to };
        if !is_inside {
            return None;
        }
        let day = if time < to { local.date() } else { local.date().tomorrow().ok()? };
        let end = day.to_datetime(to).to_zoned_datetime(zone).ok()?.timestamp();
        Some(Timestamp::from_millis(end.as_millisecond()))
    }
}

impl FromObject for QuietHours {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let from = time_of_day(object, "from");
        let to = time_of_day(object, "to");
        let time_zone = object.require("timeZone", |o| o.short_string("timeZone", MAX_ZONE)).and_then(|name| {
            let zone = ZoneName::parse(&name);
            if zone.is_none() {
                let sentence = "timeZone must be a name of the IANA time zone database, such as Europe/Berlin";
                object.problem("timeZone", "not_a_time_zone", sentence);
            }
            zone
        });
        let min_risk = if object.is_null("minRisk") {
            None
        } else if object.has("minRisk") {
            object.one_of("minRisk", &Risk::WORDS)
        } else {
            Some(Risk::High)
        };
        let (from, to) = (from?, to?);
        if from == to {
            object.problem("to", "empty_range", "to must differ from from");
        }
        Some(Self { from, to, time_zone: time_zone?, min_risk })
    }
}

fn time_of_day(object: &mut JsonObject<'_>, name: &str) -> Option<TimeOfDay> {
    let text = object.require(name, |o| o.string(name))?;
    let time = TimeOfDay::parse(&text);
    if time.is_none() {
        object.problem(name, "not_a_time_of_day", format!("{name} must be a time of day, such as 22:00"));
    }
    time
}

/// A time of day to the minute: `22:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay(Time);

impl TimeOfDay {
    fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        let number = |digits: &str| match digits.as_bytes() {
            [b'0'..=b'9', b'0'..=b'9'] => digits.parse::<i8>().ok(),
            _ => None,
        };
        Time::new(number(hour)?, number(minute)?, 0, 0).ok().map(Self)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).ok_or_else(|| de::Error::custom("not a time of day"))
    }
}

/// The name of a time zone, as the database has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ZoneName(String);

impl ZoneName {
    /// Names are found in any case, as the database of the programs that use them does.
    fn parse(text: &str) -> Option<Self> {
        Some(Self(TimeZone::get(text).ok()?.iana_name()?.to_owned()))
    }

    /// `None` if a later database does not have it any more.
    fn zone(&self) -> Option<TimeZone> {
        TimeZone::get(&self.0).ok()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(quiet: [&str; 3], at: &str, risk: Risk) -> Option<String> {
        let [from, to, zone] = quiet;
        let (from, to) = (TimeOfDay::parse(from)?, TimeOfDay::parse(to)?);
        let quiet = QuietHours { from, to, time_zone: ZoneName::parse(zone)?, min_risk: Some(Risk::High) };
        Some(quiet.passed(Timestamp::parse(at)?, risk).to_string())
    }

    #[test]
    fn quiet_hours_last_over_midnight_in_the_persons_time_zone() {
        let berlin = ["22:00", "07:00", "Europe/Berlin"];
        for (at, end) in [
            ("2026-01-10T20:59:59Z", "2026-01-10T20:59:59.000Z"),
            ("2026-01-10T21:00:00Z", "2026-01-11T06:00:00.000Z"),
            ("2026-01-11T05:59:59Z", "2026-01-11T06:00:00.000Z"),
            ("2026-01-11T06:00:00Z", "2026-01-11T06:00:00.000Z"),
            // Summer time begins and ends in the night.
            ("2026-03-28T23:00:00Z", "2026-03-29T05:00:00.000Z"),
            ("2026-10-24T23:00:00Z", "2026-10-25T06:00:00.000Z"),
        ] {
            assert_eq!(passed(berlin, at, Risk::Medium).as_deref(), Some(end), "{at}");
        }
        let noon = ["12:00", "13:30", "America/New_York"];
        let end = passed(noon, "2026-01-10T17:00:00Z", Risk::Low);
        assert_eq!(end.as_deref(), Some("2026-01-10T18:30:00.000Z"));
    }

    #[test]
    fn a_time_that_summer_time_skips_is_the_one_after_it() {
        let end = passed(["22:00", "02:30", "Europe/Berlin"], "2026-03-28T23:00:00Z", Risk::Low);
        assert_eq!(end.as_deref(), Some("2026-03-29T01:30:00.000Z"));
    }

    #[test]
    fn high_risk_breaks_through() {
        let berlin = ["22:00", "07:00", "Europe/Berlin"];
        let at = "2026-01-10T22:00:00.000Z";
        assert_eq!(passed(berlin, at, Risk::High).as_deref(), Some(at));
    }

    #[test]
    fn zones_and_times_are_exact() {
        assert_eq!(ZoneName::parse("europe/berlin").map(|it| it.0).as_deref(), Some("Europe/Berlin"));
        for zone in ["Europe/Atlantis", "", "+02:00", "../etc/passwd"] {
            assert!(ZoneName::parse(zone).is_none(), "{zone}");
        }
        for time in ["24:00", "7:00", "07:60", "07:00:00", "-1:00", ""] {
            assert!(TimeOfDay::parse(time).is_none(), "{time}");
        }
    }
}
