//! What clients send and see. What the table stores of them is private to [`crate::storage`].

pub mod account;
pub mod agent;
pub mod agent_relations;
pub mod archive;
pub mod change;
pub mod command;
pub mod decided;
pub mod facts;
pub mod file;
pub mod file_request;
pub mod history;
pub mod mail_link;
pub mod message;
pub mod modified_files;
pub mod notification_webhook;
pub mod notifications;
pub mod openapi;
pub mod page_request;
pub mod plugin_names;
pub mod push;
pub mod quiet_hours;
pub mod request;
pub mod request_log;
pub mod review;
pub mod session;
pub mod share_link;
pub mod source_address;
pub mod stats;
pub mod stream;
pub mod text;
pub mod user;
pub mod user_agent;
pub mod webhook;
pub mod webhook_url;

pub use account::{ApiKey, ChangePassword, Credentials, NewApiKey, Role, ShownApiKey, User};
pub use agent::{Agent, AgentStatus, CreateAgent, Ping, SetTag, UpdateAgent};
pub use agent_relations::{Management, SetManagement, SetSubagent};
pub use change::Change;
pub use command::{Command, SetCommands};
pub use decided::{DecidedFilter, DecidedMessage, DecidedReviews, ListDecided};
pub use facts::Fact;
pub use file::{Attachment, NewFile};
pub use file_request::{AnnounceFile, Announced, FileIds, FileList, ListFiles, StoreText};
pub use history::{History, HistoryEntry, HistoryEvent, Surface};
pub use message::{
    DecidedAct, Decision, DeliveryStatus, Iterations, Message, MessageList, MessageStatus, Review, ReviewStatus,
    SenderType, SentMessage,
};
pub use modified_files::ModifiedFiles;
pub use notification_webhook::{
    NotificationWebhook, NotificationWebhookWithSecret, SetNotificationWebhook, WebhookFormat,
};
pub use notifications::{AgentNotifications, NotificationPreferences, PatchAgentNotifications, PatchNotifications};
pub use page_request::PageRequest;
pub use plugin_names::PluginNames;
pub use push::{PushDevice, Subscribe};
pub use request::{CreateMessage, HumanMessage, ListMessages};
pub use review::{Answer, AskReview, CancelReview, ConsumeApproval};
pub use session::{Client, Session};
pub use source_address::SourceAddress;
pub use stats::{AgentStats, ReadMark, StatusChange, TotalStats};
pub use stream::{AddStatus, StatusEvent, StreamId, UpdateStream};
pub use user::{CreateUser, CreatedUser, PatchPreferences, PatchUser, Preferences, Theme};
pub use webhook::{AgentWithSecret, DeleteWebhook, SetWebhook};
