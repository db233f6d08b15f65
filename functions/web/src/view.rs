//! What templates show: messages with their times as people say them.

use std::time::Duration;

use shared::clock::Timestamp;
use shared::models::Message;

/// A pending review as a line of the inbox.
pub struct Row {
    pub id: String,
    pub agent: String,
    pub kind: String,
    pub excerpt: String,
    pub age: String,
    pub left: String,
    pub unseen: bool,
}

impl Row {
    pub fn of(message: &Message, agent: &str, now: Timestamp) -> Option<Self> {
        let review = message.review.as_ref()?;
        Some(Self {
            id: message.id.to_string(),
            agent: agent.to_owned(),
            kind: review.kind.clone(),
            excerpt: excerpt(message.text.as_deref().unwrap_or_default()),
            age: span(message.created_at.until(now)),
            left: span(now.until(review.expires_at)),
            unseen: review.seen_at.is_none(),
        })
    }
}

/// The first line of a text, short.
fn excerpt(text: &str) -> String {
    const MOST: usize = 140;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("(no text)");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// A span of time in its largest units.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// A moment to the minute, in the one zone that a page without scripts can be sure of.
pub fn moment(at: &Timestamp) -> String {
    let text = at.to_string();
    format!("{} {} UTC", &text[..10], &text[11..16])
}

pub fn bytes(size: u64) -> String {
    match size {
        0..1_000 => format!("{size} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", size as f64 / 1e3),
        _ => format!("{:.1} MB", size as f64 / 1e6),
    }
}
