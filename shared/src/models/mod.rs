//! What clients send and see. What the table stores of them is private to [`crate::storage`].

pub mod account;
pub mod agent;
pub mod archive;
pub mod file;
pub mod file_request;
pub mod message;
pub mod request;

pub use account::{ApiKey, Credentials, NewApiKey, Role, ShownApiKey, User};
pub use agent::{Agent, AgentStatus, CreateAgent, Ping};
pub use file::{Attachment, NewFile};
pub use file_request::{AnnounceFile, Announced, FileIds, FileList, ListFiles, StoreText};
pub use message::{DeliveryStatus, Message, MessageList, MessageStatus, Review, ReviewStatus, SenderType};
pub use request::{Answer, AskReview, CreateMessage, HumanMessage, ListMessages};
