//! Choices of a number of seconds.

use std::time::Duration;

use crate::text::format;

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;

/// After how long a request notifies that nobody has opened.
pub const DELAYS: [u32; 5] = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR];
/// After how long the person is reminded of a request.
pub const REMINDERS: [u32; 4] = [15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR];
/// For how long an agent is muted.
pub const MUTES: [u32; 4] = [HOUR, 8 * HOUR, 24 * HOUR, 7 * 24 * HOUR];

/// The options of a select: its empty value, these numbers, and the one that is set through the API, each in words.
pub fn choices(none: &str, words: &str, offered: &[u32], set: Option<u32>) -> Vec<(String, String)> {
    let mut numbers = offered.to_vec();
    numbers.extend(set.filter(|set| !offered.contains(set)));
    numbers.sort_unstable();
    let option = |seconds: u32| {
        let span = format::span(Duration::from_secs(seconds.into()));
        (seconds.to_string(), format!("{words} {span}").trim().to_owned())
    };
    std::iter::once((String::new(), none.to_owned())).chain(numbers.into_iter().map(option)).collect()
}

/// Whether a value of a select is this number, or empty for none.
pub fn is_number(value: &str, number: Option<u32>) -> bool {
    number.map_or(value.is_empty(), |number| value == number.to_string())
}
