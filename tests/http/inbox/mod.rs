//! The inbox of a person: `/api/messages` and `/api/changes`

pub mod changes;
pub mod messages;
