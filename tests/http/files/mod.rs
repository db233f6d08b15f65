//! `/api/v1/files` and `/api/files`
//!
//! - [`uploads`], [`direct_uploads`], [`parts`], [`names`], [`types`], [`idempotency`]: storing files
//! - [`downloads`], [`ranges`], [`texts`], [`archives`], [`share_links`]: reading them
//! - [`lists`], [`search`]: finding them; [`quotas`]: how much may be stored
//! - [`moves`], [`deletion`], [`orphaned_objects`]: their messages, and objects without an item

pub mod archives;
pub mod deletion;
pub mod direct_uploads;
pub mod downloads;
pub mod idempotency;
pub mod lists;
pub mod moves;
pub mod names;
pub mod orphaned_objects;
pub mod parts;
pub mod quotas;
pub mod ranges;
pub mod search;
pub mod share_links;
pub mod texts;
pub mod types;
pub mod uploads;
