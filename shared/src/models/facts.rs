//! What is known of a request besides its text, as e-mails list it, and the page behind their link.

use crate::models::Review;
use crate::review::Act;

/// A name and its value. What an agent wrote is one line, but may have characters that are not seen.
pub type Fact = (&'static str, String);

impl Review {
    /// Its facts. Without `shows_content` nothing that the agent wrote.
    pub fn facts(&self, shows_content: bool) -> Vec<Fact> {
        let mut facts = vec![];
        if let Some(act) = self.act().filter(|_| shows_content) {
            facts.push(("Action", one_line(&act.name)));
            facts.extend(act.target.as_deref().map(|target| ("Target", one_line(target))));
            facts.extend(act.summary.as_deref().map(|summary| ("Summary", one_line(summary))));
            facts.extend(act.reversible.map(|is| ("Can be undone", if is { "yes" } else { "no" }.to_owned())));
        }
        let risk = Act::notified_risk(self.action.as_ref());
        facts.extend(self.action.as_ref().map(|_| ("Risk", risk.word().to_owned())));
        facts.push(("Answer by", self.expires_at.to_minute()));
        facts
    }
}

/// A text in which no line looks like another fact.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
