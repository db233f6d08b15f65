//! Times, sizes and JSON for templates. A time is a `<time>` with the exact moment in it, so that a script can keep it
//! up to date and convert it into the reader's zone.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::Value;
use shared::clock::Timestamp;

/// Up to this many seconds before it, what is due is shown with its time of day.
const DUE_AS_TIME: u64 = 36 * 3_600;

/// A span of time in its largest unit.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h"),
        _ => format!("{days} d"),
    }
}

/// How long ago, as HTML.
pub fn age(at: Timestamp, now: Timestamp) -> String {
    format!(r#"<time datetime="{at}" data-age>{}</time>"#, span(at.until(now)))
}

/// How long until then, as HTML.
pub fn left(until: Timestamp, now: Timestamp) -> String {
    format!(r#"<time datetime="{until}" data-left>{}</time>"#, span(now.until(until)))
}

/// When something is due: the time of day of a moment in the next 36 hours, the time left otherwise. HTML, in UTC; a
/// script shows it in the reader's zone, and counts the last two minutes.
pub fn due(until: Timestamp, now: Timestamp) -> String {
    let left = now.until(until);
    let text = until.to_string();
    let words = match left.as_secs() {
        0..DUE_AS_TIME => format!("by {} UTC", &text[11..16]),
        _ => format!("{} left", span(left)),
    };
    let urgent = if is_urgent(until, now) { " class=\"urgent\"" } else { "" };
    format!(r#"<time datetime="{text}" data-due{urgent}>{words}</time>"#)
}

/// Whether so little time is left until then that it is shown as a warning.
pub fn is_urgent(until: Timestamp, now: Timestamp) -> bool {
    now.until(until) < Duration::from_secs(15 * 60)
}

/// A moment to the minute, as HTML, in UTC, because the server does not know the reader's zone.
pub fn moment(at: Timestamp) -> String {
    format!(r#"<time datetime="{at}" data-moment>{}</time>"#, at.to_minute())
}

/// The time of day of a moment, as HTML, in UTC.
pub fn clock(at: Timestamp) -> String {
    let text = at.to_string();
    format!(r#"<time datetime="{text}" data-clock>{} UTC</time>"#, &text[11..16])
}

/// JSON with indentation, unless deep nesting makes it many times longer.
pub fn laid_out(value: &Value) -> String {
    let plain = value.to_string();
    let mut laid_out = Limited { bytes: vec![], left: 4 * plain.len() + 256 };
    match serde_json::to_writer_pretty(&mut laid_out, value) {
        Ok(()) => String::from_utf8(laid_out.bytes).unwrap_or(plain),
        Err(_) => plain,
    }
}

/// A buffer that refuses to grow beyond a limit.
struct Limited {
    bytes: Vec<u8>,
    left: usize,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        self.left = left;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A size in bytes, in its largest unit.
pub fn bytes(size: u64) -> String {
    match size {
        1 => "1 byte".to_owned(),
        0..1_000 => format!("{size} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", size as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", size as f64 / 1e6),
        _ => format!("{:.1} GB", size as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_laid_out_unless_that_makes_it_many_times_longer() {
        assert_eq!(laid_out(&json!({ "a": [1, "b"] })), "{\n  \"a\": [\n    1,\n    \"b\"\n  ]\n}");
        let deep = (0..100).fold(json!(vec![1; 1000]), |inner, _| json!([inner]));
        assert_eq!(laid_out(&deep), deep.to_string());
    }
}
