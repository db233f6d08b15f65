//! What agents wrote, as a line of plain text.

use shared::invisible::is_invisible;

/// The beginning of a text without marks of Markdown, line ends and invisible characters, at most `max` characters.
pub fn excerpt(text: &str, max: usize) -> String {
    let words = text.lines().flat_map(|line| line.trim_start_matches(['#', '>', '-', ' ', '\t']).split_whitespace());
    let mut plain = String::new();
    for word in words.map(plain_word).filter(|word| !word.is_empty()) {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(&word);
        if plain.chars().count() > max {
            let short: String = plain.chars().take(max.saturating_sub(1)).collect();
            return short.trim_end().to_owned() + "…";
        }
    }
    plain
}

/// The beginning of a text with its lines, without invisible characters, at most `max` characters.
pub fn lines(text: &str, max: usize) -> String {
    let plain = visible(text.trim());
    match plain.char_indices().nth(max) {
        Some((end, _)) => plain[..end].trim_end().to_owned() + "…",
        None => plain,
    }
}

fn plain_word(word: &str) -> String {
    visible(word.trim_matches(['*', '_', '`']))
}

/// A text without its invisible characters.
pub fn visible(text: &str) -> String {
    text.chars().filter(|letter| !is_invisible(*letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_line_without_marks() {
        assert_eq!(excerpt("# Deploy\n\n> the **new** `build`\n- now", 80), "Deploy the new build now");
        assert_eq!(excerpt("pay \u{202e}82\u{202c} now\u{200b}", 80), "pay 82 now");
        assert_eq!(excerpt("one two three", 8), "one two…");
        assert_eq!(excerpt(&"ä".repeat(500), 10), "äääääääää…");
        assert_eq!(excerpt("", 10), "");
    }
}
