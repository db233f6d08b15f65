//! The versions of a request: the agent revises it after an answer.

use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::ids::MessageId;
use shared::models::{Attachment, Message, ReviewStatus};

use crate::files::content;
use crate::review::diff::{self, Diff};
use crate::review::summary;
use crate::text::budget::Budget;

/// A version of a request.
pub struct Version {
    pub id: String,
    pub number: u32,
    pub is_this: bool,
    /// The outcome, once there is one.
    pub outcome: Option<String>,
    pub feedback: Option<String>,
}

/// How much feedback on an earlier version is shown, in characters; its own page has all of it.
const MAX_FEEDBACK_CHARS: usize = 2_000;
/// The most bytes of files' texts that are compared.
const MAX_COMPARED_BYTES: u64 = 512 * 1024;

/// Two texts to compare, without the texts where they are too large to load.
pub struct Pair {
    /// The file whose text it is; none for the message's own.
    of: Option<String>,
    texts: Option<(String, String)>,
}

/// What to compare with the earlier version.
#[derive(Default)]
pub struct Changes {
    since: u32,
    pairs: Vec<Pair>,
}

impl Changes {
    /// The bytes of all texts.
    pub fn len(&self) -> usize {
        self.pairs.iter().filter_map(|pair| pair.texts.as_ref()).map(|(old, new)| old.len() + new.len()).sum()
    }

    /// Compares the texts within the budget of the page.
    pub fn compare(self, budget: &mut Budget) -> Vec<Diff> {
        let each = self.pairs.into_iter().filter_map(|pair| match &pair.texts {
            Some((old, new)) => diff::between(old, new, self.since, pair.of.as_deref(), budget),
            None => Some(Diff::unknown(self.since, pair.of.as_deref())),
        });
        each.collect()
    }
}

/// Loads all versions of a message, in order, and what to compare with the one before it.
pub async fn of(app: &App, human: &HumanCaller, message: &Message) -> Result<(Vec<Version>, Changes), Error> {
    if message.iteration_group_id.is_none() {
        return Ok((vec![], Changes::default()));
    }
    let chain = app.store.messages().iterations(human, message.channel_id, message.id).await?.iterations;
    let before = chain.iter().take_while(|it| it.id != message.id).last();
    let changes = match before {
        Some(before) => changes(app, before, message).await?,
        None => Changes::default(),
    };
    Ok((chain.into_iter().map(|it| Version::of(it.for_humans(), message.id)).collect(), changes))
}

impl Version {
    fn of(message: Message, this: MessageId) -> Self {
        let decided = message.review.filter(|review| review.status != ReviewStatus::Pending);
        Self {
            id: message.id.to_string(),
            number: message.iteration.unwrap_or(1),
            is_this: message.id == this,
            outcome: decided.as_ref().map(summary::in_a_word),
            feedback: decided.and_then(|review| {
                let comment = summary::answers(&review).into_iter().find(|(name, _)| name == "Comment");
                review.feedback.or(comment.map(|(_, said)| said)).map(beginning)
            }),
        }
    }
}

fn beginning(said: String) -> String {
    match said.char_indices().nth(MAX_FEEDBACK_CHARS) {
        Some((end, _)) => format!("{}…", &said[..end]),
        None => said,
    }
}

/// Loads the texts of both versions, and of the text files that both have under the same name.
async fn changes(app: &App, before: &Message, after: &Message) -> Result<Changes, Error> {
    let since = before.iteration.unwrap_or(1);
    let text = |message: &Message| message.text.clone().unwrap_or_default();
    let mut pairs = vec![Pair { of: None, texts: Some((text(before), text(after))) }];
    let mut room = MAX_COMPARED_BYTES;
    for file in after.attachments.iter().filter(|file| file.is_shown_as_text()) {
        let same = |other: &&Attachment| other.filename == file.filename && other.is_shown_as_text();
        let Some(earlier) = before.attachments.iter().find(same) else { continue };
        let of = Some(file.filename.clone());
        let Some(left) = room.checked_sub(earlier.size + file.size) else {
            pairs.push(Pair { of, texts: None });
            continue;
        };
        room = left;
        let (old, new) = tokio::try_join!(content::text(&app.blobs, earlier), content::text(&app.blobs, file))?;
        pairs.extend(old.zip(new).map(|texts| Pair { of, texts: Some(texts) }));
    }
    Ok(Changes { since, pairs })
}
