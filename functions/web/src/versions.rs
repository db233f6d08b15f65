//! The versions of what is asked: the agent's revisions after earlier answers.

use shared::app::App;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::ids::MessageId;
use shared::models::{Attachment, Message, ReviewStatus};

use crate::attachment;
use crate::budget::Budget;
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

/// Of what was said of an earlier version, in characters: its own page has all of it.
const MOST_SAID: usize = 2_000;
/// Bytes of files' texts that are compared.
const MOST_COMPARED: u64 = 512 * 1024;

/// Two texts to be compared, unless they are too large to be read.
pub struct Pair {
    /// The file whose text it is; none for the message's own.
    of: Option<String>,
    texts: Option<(String, String)>,
}

/// What is to be compared with the version before.
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

    pub fn compare(self, budget: &mut Budget) -> Vec<Diff> {
        let each = self.pairs.into_iter().filter_map(|pair| match &pair.texts {
            Some((old, new)) => diff::between(old, new, self.since, pair.of.as_deref(), budget),
            None => Some(Diff::unknown(self.since, pair.of.as_deref())),
        });
        each.collect()
    }
}

/// All versions of a message, in order, and what to compare with the one before it.
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
            outcome: decided.as_ref().map(outcome::in_a_word),
            feedback: decided.and_then(|review| {
                let comment = outcome::answers(&review).into_iter().find(|(name, _)| name == "Comment");
                review.feedback.or(comment.map(|(_, said)| said)).map(beginning)
            }),
        }
    }
}

fn beginning(said: String) -> String {
    match said.char_indices().nth(MOST_SAID) {
        Some((end, _)) => format!("{}…", &said[..end]),
        None => said,
    }
}

/// Of the message's text, and of the texts in files that both versions have under one name.
async fn changes(app: &App, before: &Message, after: &Message) -> Result<Changes, Error> {
    let since = before.iteration.unwrap_or(1);
    let text = |message: &Message| message.text.clone().unwrap_or_default();
    let mut pairs = vec![Pair { of: None, texts: Some((text(before), text(after))) }];
    let mut room = MOST_COMPARED;
    for file in after.attachments.iter().filter(|file| file.is_shown_as_text()) {
        let same = |other: &&Attachment| other.filename == file.filename && other.is_shown_as_text();
        let Some(earlier) = before.attachments.iter().find(same) else { continue };
        let of = Some(file.filename.clone());
        let Some(left) = room.checked_sub(earlier.size + file.size) else {
            pairs.push(Pair { of, texts: None });
            continue;
        };
        room = left;
        let (old, new) = tokio::try_join!(attachment::text(&app.blobs, earlier), attachment::text(&app.blobs, file))?;
        pairs.extend(old.zip(new).map(|texts| Pair { of, texts: Some(texts) }));
    }
    Ok(Changes { since, pairs })
}
