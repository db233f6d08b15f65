//! The versions of what is asked: the agent's revisions after earlier answers.

use shared::app::App;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::ids::MessageId;
use shared::models::{Attachment, Message, ReviewStatus};

use crate::attachment;
use crate::diff::{self, Diff};
use crate::outcome;

pub struct Version {
    pub id: String,
    pub number: u32,
    pub is_this: bool,
    /// What was decided, once something was.
    pub outcome: Option<String>,
    pub feedback: Option<String>,
}

/// All versions of a message, in order, and what changed since the one before it.
pub async fn of(app: &App, human: &HumanCaller, message: &Message) -> Result<(Vec<Version>, Vec<Diff>), Error> {
    if message.iteration_group_id.is_none() {
        return Ok((vec![], vec![]));
    }
    let chain = app.store.iterations(human, Some(message.channel_id), Some(message.id)).await?.iterations;
    let before = chain.iter().take_while(|it| it.id != message.id).last();
    let diffs = match before {
        Some(before) => diffs(app, before, message).await?,
        None => vec![],
    };
    Ok((chain.into_iter().map(|it| Version::of(it.for_humans(), message.id)).collect(), diffs))
}

impl Version {
    fn of(message: Message, this: MessageId) -> Self {
        let decided = message.review.filter(|review| review.status != ReviewStatus::Pending);
        Self {
            id: message.id.to_string(),
            number: message.iteration.unwrap_or(1),
            is_this: message.id == this,
            outcome: decided.as_ref().map(outcome::in_a_word),
            feedback: decided.and_then(|review| {
                let comment = outcome::answers(&review).into_iter().find(|(name, _)| name == "Comment");
                review.feedback.or(comment.map(|(_, said)| said))
            }),
        }
    }
}

/// Of the message's text, and of the texts in files that both versions have under one name.
async fn diffs(app: &App, before: &Message, after: &Message) -> Result<Vec<Diff>, Error> {
    let since = before.iteration.unwrap_or(1);
    let text = |message: &Message| message.text.clone().unwrap_or_default();
    let mut found: Vec<Diff> = diff::between(&text(before), &text(after), since, None).into_iter().collect();
    for file in after.attachments.iter().filter(|file| file.is_shown_as_text()) {
        let same = |other: &&Attachment| other.filename == file.filename && other.is_shown_as_text();
        let Some(earlier) = before.attachments.iter().find(same) else { continue };
        let (old, new) = tokio::try_join!(attachment::text(&app.blobs, earlier), attachment::text(&app.blobs, file))?;
        if let Some((old, new)) = old.zip(new) {
            found.extend(diff::between(&old, &new, since, Some(&file.filename)));
        }
    }
    Ok(found)
}
