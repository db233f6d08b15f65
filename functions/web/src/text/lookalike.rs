//! Letters of other alphabets that look like Latin ones: `аmount` with a Cyrillic `а` is another name
//! than `amount`, and reads the same.

/// What `text` looks like in ASCII, if that differs from what it is.
pub fn reads_as(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let ascii: String = text.chars().map(|it| looks_like(it).unwrap_or(it)).collect();
    ascii.is_ascii().then_some(ascii)
}

/// The first word of `text` that mixes Latin letters with letters that only look Latin.
pub fn mixed_word(text: &str) -> Option<&str> {
    if text.is_ascii() {
        return None;
    }
    let is_mixed = |word: &&str| word.contains(|it: char| it.is_ascii_alphabetic()) && word.contains(is_foreign);
    text.split(|it: char| !it.is_alphanumeric()).find(is_mixed)
}

/// A letter of another alphabet that looks like a Latin one.
fn is_foreign(character: char) -> bool {
    looks_like(character).is_some()
}

/// The ASCII character that another one looks like.
fn looks_like(character: char) -> Option<char> {
    const LOOKALIKES: [(char, &str); 42] = [
        ('a', "аαɑ"),
        ('c', "сϲ"),
        ('d', "ԁ"),
        ('e', "еҽ"),
        ('g', "ɡ"),
        ('h', "һհ"),
        ('i', "іıι"),
        ('j', "јϳ"),
        ('k', "кκ"),
        ('l', "ӏ"),
        ('n', "ո"),
        ('o', "оοօ"),
        ('p', "рρ"),
        ('q', "ԛ"),
        ('s', "ѕ"),
        ('u', "սυ"),
        ('v', "νѵ"),
        ('w', "ԝ"),
        ('x', "хχ"),
        ('y', "уγү"),
        ('A', "АΑ"),
        ('B', "ВΒ"),
        ('C', "СϹ"),
        ('E', "ЕΕ"),
        ('G', "Ԍ"),
        ('H', "НΗ"),
        ('I', "ІΙӀ"),
        ('J', "ЈͿ"),
        ('K', "КΚK"),
        ('M', "МΜ"),
        ('N', "Ν"),
        ('O', "ОΟՕ"),
        ('P', "РΡ"),
        ('S', "ЅՏ"),
        ('T', "ТΤ"),
        ('U', "Ս"),
        ('W', "Ԝ"),
        ('X', "ХΧ"),
        ('Y', "ҮΥ"),
        ('Z', "Ζ"),
        ('-', "‐‑‒–−"),
        ('/', "⁄∕"),
    ];
    let code = u32::from(character);
    let letter = |index: u32| {
        let (base, index) = if index < 26 { ('A', index) } else { ('a', index - 26) };
        char::from_u32(u32::from(base) + index)
    };
    match code {
        0..=0x7F => None,
        // Full-width forms, and the letters and digits of formulas.
        0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0),
        0x1D400..=0x1D6A3 => letter((code - 0x1D400) % 52),
        0x1D7CE..=0x1D7FF => char::from_u32(u32::from('0') + (code - 0x1D7CE) % 10),
        _ => LOOKALIKES.iter().find(|(_, alike)| alike.contains(character)).map(|(ascii, _)| *ascii),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_only_looks_latin_is_found() {
        for (text, looks) in [
            ("\u{430}mount", "amount"),
            ("tar\u{3BF}get", "taroget"),
            ("\u{FF54}o", "to"),
            ("\u{1D41A}b", "ab"),
            ("\u{440}\u{430}\u{443}\u{435}\u{435}", "payee"),
            ("dry\u{2011}run", "dry-run"),
        ] {
            assert_eq!(reads_as(text).as_deref(), Some(looks), "{text}");
        }
        for text in ["amount", "größe", "сумма", "金額", "naïve", "κόστος", "__proto__"] {
            assert_eq!(reads_as(text), None, "{text}");
        }
    }

    #[test]
    fn a_word_of_two_alphabets_is_found() {
        assert_eq!(mixed_word("send to p\u{430}ypal.com"), Some("p\u{430}ypal"));
        for text in ["send to paypal.com", "оплата paypal", "α and β", "größe", "5 µm", "ООО Ромашка"]
        {
            assert_eq!(mixed_word(text), None, "{text}");
        }
    }
}
