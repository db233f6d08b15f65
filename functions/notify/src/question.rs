//! Who asks what, in lines of plain text.

use shared::models::{Message, Review};
use shared::storage::NotificationContext;

use crate::excerpt::excerpt;

const MAX_AGENT: usize = 80;
const MAX_QUESTION: usize = 300;
/// Instead of a question that is not shown.
const HIDDEN: &str = "A request";

/// The name of the agent.
pub fn agent_name(context: &NotificationContext) -> String {
    excerpt(context.agent_name.as_deref().unwrap_or("An agent"), MAX_AGENT)
}

/// What is asked, in one line, or that something is.
pub fn question(context: &NotificationContext, shows_content: bool) -> String {
    let message = context.message.as_ref().filter(|_| shows_content);
    let asked = message.and_then(|message| Some(asked(message, message.review.as_ref()?)));
    asked.filter(|asked| !asked.is_empty()).unwrap_or_else(|| HIDDEN.to_owned())
}

/// What is asked, in one line; it may be empty.
pub fn asked(message: &Message, review: &Review) -> String {
    let text = message.text.as_deref().unwrap_or_default();
    let act = review.act();
    let asked = match &act {
        Some(act) => {
            let warning = act.warning().map(|warning| format!("{warning}: ")).unwrap_or_default();
            let about = act.summary.as_deref().or(act.target.as_deref()).unwrap_or(text);
            format!("{warning}{}. {about}", act.name)
        }
        None => text.to_owned(),
    };
    excerpt(&asked, MAX_QUESTION)
}
