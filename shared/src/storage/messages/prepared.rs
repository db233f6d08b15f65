//! A message that may be created, as `prepare` gives it to `create`.

use crate::ids::MessageId;
use crate::models::{Attachment, Message, SenderType, StreamId};
use crate::storage::Channel;
use crate::storage::idempotency::{Call, IdempotentCall};
use crate::storage::messages::iterations::ChainPosition;
use crate::storage::messages::stream_item::Stream;

/// What a new message refers to.
#[derive(Clone, Copy, Default)]
pub struct References<'a> {
    pub attachment_ids: &'a [String],
    pub iteration_of: Option<&'a str>,
    pub supersedes: Option<&'a str>,
    pub stream: Option<&'a StreamId>,
    /// Whether the message of an equal call before is used up: then this call makes another one, which takes its
    /// place.
    pub is_used: Option<IsUsed<'a>>,
}

/// Whether the message of an equal call is used up.
pub type IsUsed<'a> = &'a (dyn Fn(&Message) -> bool + Sync);

/// How a message begins.
pub enum Prepared {
    /// The same call was made before: this is its message.
    Repeat(Box<Message>),
    New(Box<PreparedMessage>),
}

/// A message that may be created: its channel is open, the files it claims are free, the message it revises is
/// decided, and the review it supersedes is pending.
pub struct PreparedMessage {
    pub channel: Channel,
    pub(super) sender: SenderType,
    pub(super) once: Option<IdempotentCall>,
    /// What an earlier call with the same client id made, and is deleted or used up.
    pub(super) gone: Option<MessageId>,
    pub(super) claimed: Vec<Attachment>,
    pub(super) place: Option<ChainPosition>,
    pub(super) stream: Option<Stream>,
    pub(super) superseded: Option<MessageId>,
    /// It holds an uploaded file and nothing else: another message may take that file over.
    pub(super) is_upload: bool,
    /// What makes an upload safe to repeat.
    pub(super) call: Option<Box<Call>>,
}

impl PreparedMessage {
    /// Of a message that an upload makes for its file.
    pub(super) fn for_upload(channel: Channel, sender: SenderType, call: Option<Call>) -> Self {
        Self { is_upload: true, call: call.map(Box::new), ..Self::new(channel, sender) }
    }

    /// Of a message that refers to nothing.
    pub(super) fn new(channel: Channel, sender: SenderType) -> Self {
        Self {
            channel,
            sender,
            once: None,
            gone: None,
            claimed: vec![],
            place: None,
            stream: None,
            superseded: None,
            is_upload: false,
            call: None,
        }
    }

    /// The message whose review is superseded.
    pub fn superseded(&self) -> Option<MessageId> {
        self.superseded
    }

    /// The draft that the call continues, if its stream has one.
    pub fn draft(&self) -> Option<MessageId> {
        self.stream.as_ref().and_then(Stream::draft)
    }
}
