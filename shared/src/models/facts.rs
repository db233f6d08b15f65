//! What is known of a request besides its text, as e-mails list it, and the page behind their link.

use crate::models::Review;
use crate::review::Risk;

/// A name and its value. What an agent wrote is one line, but may have characters that are not seen.
pub type Fact = (&'static str, String);

impl Review {
    /// Its facts. Without `shows_content` no text that the agent wrote.
    pub fn facts(&self, shows_content: bool) -> Vec<Fact> {
        let mut facts = vec![];
        let act = self.act();
        if let Some(act) = act.as_ref().filter(|_| shows_content) {
            facts.push(("Action", one_line(&act.name)));
            facts.extend(act.target.as_deref().map(|target| ("Target", one_line(target))));
            facts.extend(act.summary.as_deref().map(|summary| ("Summary", one_line(summary))));
        }
        // As the agent declared them. Both together decide how people are notified.
        if let Some(act) = act {
            facts.extend(act.reversible.map(|is| ("Can be undone", if is { "yes" } else { "no" }.to_owned())));
            facts.push(("Risk", act.risk.map_or("not stated", Risk::word).to_owned()));
        }
        facts.push(("Answer by", self.expires_at.to_minute()));
        facts
    }
}

/// A text in which no line looks like another fact.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
