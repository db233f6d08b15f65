//! How deeply the blocks of a Markdown text are nested, before it is parsed. The time that a parser
//! takes grows with lines times depth, so that a bound has to be checked before the parse.
//!
//! The count is an upper bound: what it admits is no deeper. A text with uncommon lines may be taken
//! for deeper than it is.

/// Whether some line opens or continues more than `most` block quotes and list items.
pub fn exceeds(text: &str, most: usize) -> bool {
    let mut deepest = 0;
    text.split(['\n', '\r']).any(|line| {
        deepest = deepest.max(depth(line.as_bytes(), deepest));
        deepest > most
    })
}

/// How deep a line may be below containers that are `open` deep.
fn depth(line: &[u8], open: usize) -> usize {
    if is_thematic_break(line) {
        return 0;
    }
    let (mut at, mut columns, mut markers) = (0, 0, 0);
    while let Some(byte) = line.get(at) {
        let marker = match byte {
            b' ' => {
                columns += 1;
                at += 1;
                continue;
            }
            b'\t' => {
                columns += 4;
                at += 1;
                continue;
            }
            b'>' | b'-' | b'*' | b'+' => 1,
            b'0'..=b'9' => ordered_marker(&line[at..]).unwrap_or(0),
            _ => 0,
        };
        let is_quote = *byte == b'>';
        if marker == 0 || !(is_quote || ends_marker(line.get(at + marker))) {
            break;
        }
        markers += 1;
        at += marker;
    }
    // Indentation continues list items that are open, of at least two columns each.
    markers + open.min(columns / 2)
}

/// The length of a list item's number, if it is one.
fn ordered_marker(rest: &[u8]) -> Option<usize> {
    let digits = rest.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    let end = rest.get(digits)?;
    (digits < 10 && matches!(end, b'.' | b')')).then_some(digits + 1)
}

fn ends_marker(next: Option<&u8>) -> bool {
    next.is_none_or(|byte| matches!(byte, b' ' | b'\t'))
}

/// `* * *` and `- - -` are lines across, however long.
fn is_thematic_break(line: &[u8]) -> bool {
    let mut marks = line.iter().filter(|byte| !matches!(byte, b' ' | b'\t'));
    let Some(first @ (b'*' | b'-')) = marks.next() else { return false };
    marks.all(|byte| byte == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_deeply_is_found_however_it_is_written() {
        let stairs = |n: usize| (0..n).map(|n| format!("{}- a\n", "  ".repeat(n))).collect::<String>();
        let tabs = (0..100).map(|n| format!("{}- a\n", "\t".repeat(n / 2))).collect::<String>();
        for deep in [">".repeat(65), "> ".repeat(65), "1. ".repeat(65), "- ".repeat(65) + "a", "> - 1) ".repeat(22)] {
            assert!(exceeds(&deep, 64), "{deep}");
            assert!(exceeds(&format!("a\r\n\n{deep}\n"), 64), "{deep}");
        }
        assert!(exceeds(&stairs(66), 64) && exceeds(&tabs, 64));
    }

    #[test]
    fn what_people_write_is_not_deep() {
        let stairs = (0..20).map(|n| format!("{}- a\n", "  ".repeat(n))).collect::<String>();
        for flat in [
            "-".repeat(200),
            "- ".repeat(200),
            "* * ".repeat(100),
            " ".repeat(500) + "a",
            "1".repeat(500),
            "*".repeat(300) + "a",
            "> ".repeat(20) + "a",
            "- a\n".repeat(500),
            "1. a\n   - b\n".repeat(200),
            stairs,
        ] {
            assert!(!exceeds(&flat, 64), "{flat}");
        }
    }
}
