//! Emphasis that is none: marks that belong to a name or to a calculation.

use std::ops::Range;

/// The marks of an emphasis that stands inside of a word, or is a name such as `__init__`.
pub fn literal_marks(source: &str, range: &Range<usize>) -> Option<&'static str> {
    let whole = source.get(range.clone())?;
    let before = source[..range.start].chars().next_back();
    let after = source[range.end..].chars().next();
    let is_word = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
    if let Some(inner) = whole.strip_prefix("__").and_then(|rest| rest.strip_suffix("__")) {
        let is_name =
            !inner.is_empty() && inner.bytes().all(|it| it.is_ascii_lowercase() || it == b'_' || it.is_ascii_digit());
        let is_attached =
            matches!(before, Some('.' | '/' | '\\')) || matches!(after, Some('.' | '(' | '[' | '/' | '\\' | '='));
        return (is_name && (is_attached || DUNDERS.contains(&inner))).then_some("__");
    }
    let marks = if whole.starts_with("**") { "**" } else { "*" };
    (whole.starts_with('*') && is_word(before) && is_word(after)).then_some(marks)
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
