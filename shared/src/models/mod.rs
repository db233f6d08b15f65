//! What clients send and see. What the table stores of them is private to [`crate::storage`].

pub mod account;
pub mod agent;
pub mod file;
pub mod message;
pub mod request;
pub mod review;
pub mod stream;

pub use account::{ApiKey, Credentials, NewApiKey, Role, ShownApiKey, User};
pub use agent::{Agent, AgentStatus, CreateAgent, Ping};
pub use file::{Attachment, NewFile};
pub use message::{DeliveryStatus, Iterations, Message, MessageList, MessageStatus, Review, ReviewStatus, SenderType};
pub use request::{CreateMessage, HumanMessage, ListMessages};
pub use review::{Answer, AskReview};
pub use stream::{AddStatus, StatusEvent, StreamId, UpdateStream};
