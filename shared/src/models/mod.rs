//! What clients send and see. What the table stores of them is private to [`crate::storage`].

pub mod account;
pub mod agent;
pub mod email;
pub mod file;
pub mod message;
pub mod request;
pub mod request_log;
pub mod stream;
pub mod user;

pub use account::{ApiKey, ChangePassword, Credentials, NewApiKey, Role, ShownApiKey, User};
pub use agent::{Agent, AgentStatus, CreateAgent, Ping};
pub use file::{Attachment, NewFile};
pub use message::{DeliveryStatus, Iterations, Message, MessageList, MessageStatus, Review, ReviewStatus, SenderType};
pub use request::{Answer, AskReview, CreateMessage, HumanMessage, ListMessages};
pub use stream::{AddStatus, StatusEvent, StreamId, UpdateStream};
pub use user::{CreateUser, CreatedUser, PatchPreferences, PatchUser, Preferences, Theme};
