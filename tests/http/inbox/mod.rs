//! The inbox of a person: `/api/messages`, its history of decisions, and `/api/changes`

pub mod changes;
pub mod history;
pub mod messages;
