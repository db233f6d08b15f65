//! `/api/v1/agents` and `/api/agents`

pub mod avatars;
pub mod create_and_list;
pub mod deletion;
pub mod stats;
pub mod updates;
