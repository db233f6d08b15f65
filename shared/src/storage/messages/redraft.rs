//! A draft that is posted again. Its text, status and metadata change; what the first call asked,
//! attached and revised stands, and a call that says otherwise is told so instead of half obeyed.

use crate::error::Error;
use crate::ids::MessageId;
use crate::input::Problems;
use crate::models::Message;
use crate::storage::messages::create::Draft;
use crate::storage::messages::opening::Refers;
use crate::storage::{Channel, Store};

/// What a call says beyond text, status and metadata.
#[derive(Default)]
pub(super) struct Said {
    attachment_ids: Vec<String>,
    revises: bool,
    /// Type and payload.
    review: Option<(String, Option<String>)>,
    /// Names and sizes of the text attachments.
    texts: Vec<(String, u64)>,
}

impl Said {
    pub fn of(refers: Refers<'_>) -> Self {
        let (attachment_ids, revises) = (refers.attachment_ids.to_vec(), refers.iteration_of.is_some());
        Self { attachment_ids, revises, ..Self::default() }
    }

    pub fn with(&mut self, draft: &Draft) {
        let payload = |json: &crate::json::Json| json.as_str().to_owned();
        self.review = draft.review.as_ref().map(|it| (it.kind.clone(), it.payload.as_ref().map(payload)));
        self.texts = draft.placed.iter().map(|it| (it.filename.clone(), it.size)).collect();
    }

    fn is_nothing(&self) -> bool {
        self.attachment_ids.is_empty() && !self.revises && self.review.is_none() && self.texts.is_empty()
    }

    /// Names each part that is not as the draft has it.
    fn compare(&self, draft: &Message) -> Result<(), Error> {
        let mut problems = Problems::default();
        let mut differs = |member: &str, same: bool| {
            if !same {
                let sentence = format!("{member} is set by the call that makes the draft, and this is another");
                problems.add(vec![member.into()], "set_with_draft", sentence);
            }
        };
        let attached = |id: &String| draft.attachments.iter().any(|file| file.id.to_string() == *id);
        let placed = |(name, size): &(String, u64)| {
            draft.attachments.iter().any(|file| file.filename == *name && file.size == *size)
        };
        let asked = |(kind, payload): &(String, Option<String>)| {
            draft.review.as_ref().is_some_and(|it| {
                it.kind == *kind && it.payload.as_ref().map(crate::json::Json::as_str) == payload.as_deref()
            })
        };
        differs("review", self.review.as_ref().is_none_or(asked));
        differs("attachmentIds", self.attachment_ids.iter().all(attached));
        differs("textAttachments", self.texts.iter().all(placed));
        differs("iterationOf", !self.revises || draft.iteration_group_id.is_some());
        problems.or(Some(()))
    }
}

impl Store {
    /// Refuses what a call says otherwise than the draft has it. Only a call that says anything of
    /// the kind costs a look at the draft.
    pub(super) async fn stands(&self, channel: &Channel, draft: MessageId, said: &Said) -> Result<(), Error> {
        if said.is_nothing() {
            return Ok(());
        }
        said.compare(&self.look(channel, draft, true).await?.ok_or(Error::NotFound("stream"))?)
    }
}
