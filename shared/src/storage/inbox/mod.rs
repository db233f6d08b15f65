//! What a person's inbox shows, as a whole.
//!
//! - `version`: a number that grows with every change of what an inbox shows
//! - `page_context`: what every page shows of its reader

mod page_context;
mod version;

pub use page_context::PageContext;
pub use version::affected_user;

use crate::storage::Store;

/// The inbox of a person.
#[derive(Clone, Copy)]
pub struct Inbox<'a> {
    pub(super) store: &'a Store,
}
