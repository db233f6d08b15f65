//! What clients send and see. What the table stores of them is private to [`crate::storage`].

pub mod account;
pub mod agent;
pub mod change;
pub mod command;
pub mod email;
pub mod file;
pub mod message;
pub mod request;
pub mod request_log;
pub mod stats;
pub mod user;
pub mod webhook;

pub use account::{ApiKey, ChangePassword, Credentials, NewApiKey, Role, ShownApiKey, User};
pub use agent::{Agent, AgentStatus, CreateAgent, Ping, SetTag, UpdateAgent};
pub use change::Change;
pub use command::{Command, SetCommands};
pub use file::{Attachment, NewFile};
pub use message::{DeliveryStatus, Message, MessageList, MessageStatus, Review, ReviewStatus, SenderType};
pub use request::{Answer, AskReview, CreateMessage, HumanMessage, ListMessages};
pub use stats::{AgentStats, ReadMark, StatusChange, TotalStats};
pub use user::{CreateUser, CreatedUser, PatchPreferences, PatchUser, Preferences, Theme};
pub use webhook::{AgentWithSecret, DeleteWebhook, SetWebhook};
