//! Which page of a channel's messages a client asks for, and how large a page may be.

use ulid::Ulid;
use utoipa::IntoParams;

use crate::models::Message;
use crate::search;

/// The most bytes of a list in one response: Lambda accepts 6 MB, less base64 and the envelope.
pub const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Which messages of a channel, and how many.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageRequest {
    /// How many at most.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 100, default = 50)]
    pub limit: usize,
    /// The `nextCursor` of the page before.
    #[param(rename = "cursor", value_type = Option<String>)]
    pub before: Option<Ulid>,
    // Kept in the form that searches compare, see `search::folded`.
    /// Only messages whose text contains this, in any case and however its characters are composed.
    pub search: Option<String>,
    /// `true` for only those with attachments.
    #[param(value_type = Option<bool>, default = false)]
    pub has_attachments: bool,
}

impl PageRequest {
    /// Whether a message is on the list.
    pub fn matches(&self, message: &Message) -> bool {
        let text = || search::folded(message.text.as_deref().unwrap_or_default());
        (!self.has_attachments || !message.attachments.is_empty())
            && self.search.as_ref().is_none_or(|search| text().contains(search.as_str()))
    }

    /// Whether the list leaves out messages.
    pub fn is_filtered(&self) -> bool {
        self.has_attachments || self.search.is_some()
    }
}
