//! The stored form of what several entities read: messages with their reviews, and files. The stored form of
//! everything else is private to its entity.

pub mod entries;
mod file;
mod message;
mod status_event;

pub use file::FileItem;
pub use message::{AttachmentItem, DecisionItem, MessageItem, ReviewItem};
pub use status_event::StatusEventItem;
