//! The pages, one module per path.

pub mod channel;
pub mod files;
pub mod html_preview;
pub mod inbox;
pub mod logs;
pub mod mail_link;
pub mod markdown_preview;
pub mod message_text;
pub mod review;
pub mod review_history;
pub mod settings;
pub mod sign_in;
pub mod status;
pub mod unsubscribe;
