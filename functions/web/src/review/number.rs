//! Numbers as people write them: `1,5`, `1.234,50`, `1 234.5`, `١٬٢٣٤٫٥`. A text that two countries
//! read as two numbers is refused, so that no other number is ever sent. `web/scripts/numbers.js`
//! reads the same; a test holds the two against each other.

/// Why a text is not read as a number.
#[derive(Debug, PartialEq)]
pub enum Unread {
    /// `1.234` is a thousand and more, or one and a bit: the ways to write either.
    Ambiguous {
        whole: String,
        fraction: String,
    },
    /// It has more digits than a JSON number keeps in every program.
    TooLong,
    Unknown,
}

impl Unread {
    /// The end of a sentence whose subject is the field.
    pub fn in_words(&self) -> String {
        match self {
            Self::Ambiguous { whole, fraction } => {
                format!("can be read as two numbers: write {whole} or {fraction}")
            }
            Self::TooLong => "has more digits than are kept exactly".to_owned(),
            Self::Unknown => "must be a number, like 1234.5 or 1234,5".to_owned(),
        }
    }
}

/// A decimal separator that never groups.
const DECIMAL: char = '|';

/// Reads a text that somebody typed.
pub fn read(text: &str) -> Result<f64, Unread> {
    let text = canonical(text);
    let (sign, rest) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (if text.starts_with('-') { "-" } else { "" }, rest.trim_start()),
        None => ("", text.as_str()),
    };
    let (body, exponent) = match rest.split_once(['e', 'E']) {
        Some((body, exponent)) => (body, Some(exponent_of(exponent).ok_or(Unread::Unknown)?)),
        None => (rest, None),
    };
    let (whole, fraction) = parts(body, exponent.is_none()).map_err(|unread| signed(unread, sign))?;
    let plain = format!("{sign}{whole}.{fraction}0e{}", exponent.unwrap_or(0));
    let number: f64 = plain.parse().map_err(|_| Unread::Unknown)?;
    if !number.is_finite() || digits(&format!("{number:e}")) != digits(&format!("{whole}{fraction}")) {
        return Err(Unread::TooLong);
    }
    Ok(if number == 0.0 { 0.0 } else { number })
}

/// A number as a text that [`read`] reads as that number.
pub fn written(number: f64) -> String {
    let text = serde_json::Value::from(number).to_string();
    let text = text.strip_suffix(".0").unwrap_or(&text);
    // With one digit more it is no group of a thousand.
    if matches!(read(text), Err(Unread::Ambiguous { .. })) { format!("{text}0") } else { text.to_owned() }
}

/// ASCII digits, one notation of each sign and separator, no blanks around.
fn canonical(text: &str) -> String {
    let one = |c: char| match c {
        '\u{200e}' | '\u{200f}' | '\u{61c}' => None,
        '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => Some('-'),
        '\u{ff0b}' => Some('+'),
        '\u{66b}' => Some(DECIMAL),
        '\u{66c}' | '\u{2019}' | '\u{2bc}' | '\'' => Some('\''),
        '\u{60c}' => Some(','),
        '|' => Some('?'),
        ' ' | '\t' | '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' => Some(' '),
        c => Some(ascii_digit(c).unwrap_or(c)),
    };
    text.chars().filter_map(one).collect::<String>().trim_matches(' ').to_owned()
}

fn ascii_digit(c: char) -> Option<char> {
    // Arabic, Persian, Devanagari, Bengali, full width.
    const ZEROS: [u32; 5] = [0x660, 0x6f0, 0x966, 0x9e6, 0xff10];
    let digit = ZEROS.into_iter().find_map(|zero| (u32::from(c)).checked_sub(zero).filter(|digit| *digit < 10));
    char::from_digit(digit?, 10)
}

fn exponent_of(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    ((1..=4).contains(&digits.len()) && is_digits(digits)).then(|| text.parse().ok()).flatten()
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// The digits before and after the decimal separator. Next to an exponent nothing is grouped, so
/// that `1.234e3` is not ambiguous.
fn parts(body: &str, may_group: bool) -> Result<(String, String), Unread> {
    let separators: Vec<char> = body.chars().filter(|c| !c.is_ascii_digit()).collect();
    let Some(&last) = separators.last() else {
        return if body.is_empty() { Err(Unread::Unknown) } else { Ok((body.to_owned(), String::new())) };
    };
    if separators.iter().any(|c| !matches!(c, '.' | ',' | '\'' | ' ' | '|')) {
        return Err(Unread::Unknown);
    }
    let is_mixed = separators.iter().any(|c| *c != last);
    let is_decimal = matches!(last, '.' | ',' | DECIMAL) && separators.iter().filter(|c| **c == last).count() == 1;
    if !is_decimal {
        let whole = grouped(body, last).filter(|_| may_group && !is_mixed);
        return whole.map(|whole| (whole, String::new())).ok_or(Unread::Unknown);
    }
    let (whole, fraction) = body.split_once(last).unwrap_or((body, ""));
    if is_mixed {
        let group = separators[0];
        let whole = grouped(whole, group).filter(|_| may_group && group != DECIMAL && is_digits(fraction));
        return whole.map(|whole| (whole, fraction.to_owned())).ok_or(Unread::Unknown);
    }
    if whole.is_empty() && fraction.is_empty() {
        return Err(Unread::Unknown);
    }
    if may_group && last != DECIMAL && fraction.len() == 3 && grouped(body, last).is_some() {
        let (whole, fraction) = (format!("{whole}{fraction}"), format!("{whole}.{fraction}0"));
        return Err(Unread::Ambiguous { whole, fraction });
    }
    Ok((whole.to_owned(), fraction.to_owned()))
}

/// Groups of three digits, or as in India of two and at last three.
fn grouped(text: &str, separator: char) -> Option<String> {
    let groups: Vec<&str> = text.split(separator).collect();
    let [first, middle @ .., last] = groups.as_slice() else { return None };
    let all = |length: usize| middle.iter().all(|group| group.len() == length);
    let is_grouped = !first.starts_with('0')
        && last.len() == 3
        && ((1..=3).contains(&first.len()) && all(3) || separator == ',' && (1..=2).contains(&first.len()) && all(2));
    (is_grouped && groups.iter().all(|group| is_digits(group))).then(|| groups.concat())
}

/// The digits that count, without zeros around.
fn digits(text: &str) -> String {
    let mantissa = text.split('e').next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

fn signed(unread: Unread, sign: &str) -> Unread {
    match unread {
        Unread::Ambiguous { whole, fraction } => {
            Unread::Ambiguous { whole: format!("{sign}{whole}"), fraction: format!("{sign}{fraction}") }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_it_is_written_anywhere() {
        for (text, number) in [
            ("7", 7.0),
            ("007", 7.0),
            ("-0", 0.0),
            ("\u{2212}1,5", -1.5),
            ("+ 1.5", 1.5),
            (".5", 0.5),
            ("5,", 5.0),
            ("1,5", 1.5),
            ("1.234,50", 1234.5),
            ("1,234.50", 1234.5),
            ("1\u{202f}234,5", 1234.5),
            ("1 234 567", 1_234_567.0),
            ("1\u{2019}234.5", 1234.5),
            ("12,34,567.5", 1_234_567.5),
            ("1,23,456", 123_456.0),
            ("1.234.567", 1_234_567.0),
            ("\u{661}\u{66c}\u{662}\u{663}\u{664}\u{66b}\u{665}", 1234.5),
            ("\u{61c}-\u{661}\u{66b}\u{662}\u{663}\u{664}", -1.234),
            ("0.234", 0.234),
            ("0,125", 0.125),
            ("1234.567", 1234.567),
            ("1.2340", 1.234),
            ("1.234e3", 1234.0),
            ("1,5E-2", 0.015),
        ] {
            assert_eq!(read(text), Ok(number), "{text}");
            assert_eq!(read(&written(number)), Ok(number), "{number}");
        }
    }

    #[test]
    fn what_could_be_another_number_is_never_guessed() {
        let ambiguous = |whole: &str, fraction: &str| {
            Err(Unread::Ambiguous { whole: whole.to_owned(), fraction: fraction.to_owned() })
        };
        assert_eq!(read("1.234"), ambiguous("1234", "1.2340"));
        assert_eq!(read("-12,500"), ambiguous("-12500", "-12.5000"));
        for text in [
            "",
            " ",
            ".",
            "-",
            "1.5.2",
            "1,5,2",
            "1.234,567,8",
            "1,234,56",
            "24.12.2026",
            "1 23",
            "12'34",
            "0.123.456",
            "5 €",
            "50%",
            "1/2",
            "NaN",
            "Infinity",
            "e5",
            "1e",
            "1e99999",
            "0x10",
            "1_000",
            "1|5",
            "1--2",
            "1 234e3",
        ] {
            assert_eq!(read(text), Err(Unread::Unknown), "{text}");
        }
        for text in ["12345678901234567890", "0.12345678901234567891", "9007199254740993", "1e999", "1e-400"] {
            assert_eq!(read(text), Err(Unread::TooLong), "{text}");
        }
        assert_eq!(written(1.234), "1.2340");
    }
}
