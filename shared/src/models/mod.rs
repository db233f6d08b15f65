//! What clients send and see. What the table stores of them is private to [`crate::storage`].

pub mod account;
pub mod agent;
pub mod file;
pub mod message;

pub use account::{ApiKey, Credentials, NewApiKey, Role, ShownApiKey, User};
pub use agent::{Agent, AgentStatus, CreateAgent, Ping};
pub use file::{Attachment, NewFile};
pub use message::{
    Answer, CreateMessage, DeliveryStatus, HumanMessage, Message, MessageStatus, Review, ReviewStatus, SenderType,
};
