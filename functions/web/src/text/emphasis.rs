//! Emphasis that is none: marks that belong to a name or to a calculation.

use std::ops::Range;

/// The marks of an emphasis that stands inside of a word or a path, or is a name such as `__init__`.
/// One tilde says "about".
pub fn literal_marks(source: &str, range: &Range<usize>) -> Option<&'static str> {
    let whole = source.get(range.clone())?;
    let before = source[..range.start].chars().next_back();
    let after = source[range.end..].chars().next();
    let is_part = |it: Option<char>| it.is_some_and(|it| it.is_alphanumeric() || matches!(it, '_' | '/' | '\\'));
    if let Some(inner) = whole.strip_prefix("__").and_then(|rest| rest.strip_suffix("__")) {
        let is_name =
            !inner.is_empty() && inner.bytes().all(|it| it.is_ascii_lowercase() || it == b'_' || it.is_ascii_digit());
        let is_attached =
            matches!(before, Some('.' | '/' | '\\')) || matches!(after, Some('.' | '(' | '[' | '/' | '\\' | '='));
        return (is_name && (is_attached || DUNDERS.contains(&inner))).then_some("__");
    }
    if whole.starts_with('~') {
        return (!whole.starts_with("~~")).then_some("~");
    }
    let marks = if whole.starts_with("**") { "**" } else { "*" };
    (whole.starts_with('*') && is_part(before) && is_part(after)).then_some(marks)
}

/// Of a path, in bytes.
const MAX_PATH_BYTES: usize = 260;

/// Whether the character there was escaped by a backslash that belongs to a path of Windows:
/// `\\\\host`, `C:\\_build`.
pub fn keeps_backslash(source: &str, at: usize) -> bool {
    let before = &source[source.floor_char_boundary(at.saturating_sub(MAX_PATH_BYTES))..at];
    let backslashes = before.bytes().rev().take_while(|it| *it == b'\\').count();
    if backslashes.is_multiple_of(2) {
        return false;
    }
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default().trim_start_matches(['"', '\'', '(']);
    let is_drive = word.get(1..3) == Some(":\\") && word.starts_with(|it: char| it.is_ascii_alphabetic());
    is_drive || word.starts_with("\\\\") || source[at..].starts_with('\\')
}

/// Names that Python writes between double underscores.
const DUNDERS: &[&str] = &[
    "all",
    "call",
    "class",
    "contains",
    "del",
    "dict",
    "doc",
    "enter",
    "eq",
    "exit",
    "file",
    "getitem",
    "hash",
    "init",
    "init_subclass",
    "iter",
    "len",
    "main",
    "name",
    "new",
    "next",
    "post_init",
    "proto",
    "pycache",
    "repr",
    "setitem",
    "slots",
    "str",
    "version",
];
