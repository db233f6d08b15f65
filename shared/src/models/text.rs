//! Texts of messages, and the error of one that is too large.

use crate::validation::JsonObject;

/// Bytes of a KiB.
pub(super) const KIB: usize = 1024;
/// The limit of a message's text, in bytes.
pub const MAX_TEXT: usize = 200 * KIB;

/// The member `text`, if it is small enough.
pub(super) fn text(object: &mut JsonObject<'_>) -> Option<String> {
    let text = object.string("text");
    if text.as_ref().is_some_and(|it| it.len() > MAX_TEXT) {
        object.too_large(too_large("text", 200));
    }
    text
}

/// The sentence about content that is larger than `kib` KiB.
pub(super) fn too_large(what: &str, kib: usize) -> String {
    format!("{what} may have at most {kib} KiB: send long content as a file, with textAttachments.")
}
