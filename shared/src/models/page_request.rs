//! Which page of a channel's messages a client asks for.

use ulid::Ulid;
use utoipa::IntoParams;

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
