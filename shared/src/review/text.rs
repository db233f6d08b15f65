//! Texts that people read and write.

use crate::invisible::is_invisible;

/// Whether a text shows nothing: it is empty, or only of white space and characters that are not seen.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// The words with `_`, `-`, spaces and case left out, to recognise a near miss.
pub fn squeezed(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '_' | '-') && !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}
