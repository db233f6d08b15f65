//! The name and the file name of a form's part (RFC 7578), as clients really write them.
//!
//! | what is sent | by | what it becomes |
//! |---|---|---|
//! | `filename*=utf-8''r%C3%A9sum%C3%A9.pdf` | .NET, Apache | the name; it wins over `filename` |
//! | `filename="=?utf-8?B?csOpc3Vtw6k=?="` (RFC 2047, also `Q`) | .NET | the words decoded |
//! | `filename="r%C3%A9sum%C3%A9%20v2.pdf"`, every character escaped | aiohttp | decoded |
//! | `%22`, `%0D`, `%0A` in any name | browsers, curl, urllib3 | `"`, CR, LF |
//! | `\"` and `\\` | curl, Go, reqwest | `"` and `\` |
//! | bytes that are not UTF-8 | old programs | read as Windows-1252, which has Latin-1 |
//! | `C:\Users\anna\plan.txt` | old browsers and tools of Windows | `plan.txt` |
//!
//! A name counts as escaped throughout when nothing else could be escaped in it and decoding gives
//! UTF-8. `50% off.txt` does not, and `100%25.txt` stays too: a percent sign alone is no evidence.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use encoding_rs::{Encoding, WINDOWS_1252};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

/// All that Python's `quote(name, safe="")` escapes.
const ALL_BUT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A part's Content-Disposition.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Disposition {
    /// The name of the field.
    pub name: Option<String>,
    /// The name of the file, if the part is one.
    pub filename: Option<String>,
}

impl Disposition {
    /// Reads the value of a Content-Disposition header, UTF-8 or not.
    pub fn parse(header: &[u8]) -> Self {
        let parameters = parameters(header);
        let find = |wanted: &str| parameters.iter().find(|it| it.name == wanted);
        let extended = find("filename*").and_then(|it| extended(&it.value)).filter(|name| !name.is_empty());
        let plain = || find("filename").map(|it| without_directory(plain(&it.value)));
        Self { name: find("name").map(|it| text(&it.value).into_owned()), filename: extended.or_else(plain) }
    }
}

struct Parameter {
    /// In lower case.
    name: String,
    value: Vec<u8>,
}

/// The parameters behind the first semicolon; what is no parameter is passed over.
fn parameters(header: &[u8]) -> Vec<Parameter> {
    let (mut found, mut rest) = (vec![], after(header, b';'));
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| b"=;".contains(byte)).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let Some(value) = behind.strip_prefix(b"=") else {
            rest = after(behind, b';');
            continue;
        };
        let (value, behind) = read_value(value.trim_ascii_start());
        found.push(Parameter { name: String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase(), value });
        rest = after(behind, b';');
    }
    found
}

fn after(text: &[u8], byte: u8) -> &[u8] {
    text.iter().position(|it| *it == byte).map_or(&[], |at| &text[at + 1..])
}

/// A token or a quoted string, and what is behind it.
fn read_value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|byte| *byte == b';').unwrap_or(text.len());
        return (text[..end].trim_ascii_end().to_vec(), &text[end..]);
    };
    // Browsers escape no backslash: a name that ends with one has no closing quote otherwise.
    unescaped(quoted).unwrap_or_else(|| {
        let end = quoted.iter().rposition(|byte| *byte == b'"').unwrap_or(quoted.len());
        (quoted[..end].to_vec(), quoted.get(end + 1..).unwrap_or_default())
    })
}

/// A quoted string to its closing quote. A backslash escapes a quote and a backslash, and stands
/// for itself before anything else, as in `C:\dir`.
fn unescaped(quoted: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (mut value, mut rest) = (vec![], quoted);
    loop {
        match rest {
            [b'"', behind @ ..] => return Some((value, behind)),
            [b'\\', escaped @ (b'"' | b'\\'), behind @ ..] => {
                value.push(*escaped);
                rest = behind;
            }
            [byte, behind @ ..] => {
                value.push(*byte);
                rest = behind;
            }
            [] => return None,
        }
    }
}

/// UTF-8, or what old programs send instead.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// `charset'language'percent-encoded` (RFC 8187); `None` when it cannot be read.
fn extended(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (charset, _language, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    decoded(charset, &percent_decode(encoded).collect::<Vec<u8>>())
}

fn decoded(charset: &[u8], bytes: &[u8]) -> Option<String> {
    let encoding = Encoding::for_label(charset)?;
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(Cow::into_owned)
}

/// A `filename` that is not extended.
fn plain(value: &[u8]) -> String {
    let text = text(value);
    encoded_words(&text).or_else(|| escaped_throughout(&text)).unwrap_or_else(|| with_browsers_escapes(&text))
}

/// What a name of encoded words says (RFC 2047); `None` when it has anything else.
fn encoded_words(text: &str) -> Option<String> {
    let (mut whole, mut charset) = (vec![], None);
    for word in text.split_ascii_whitespace() {
        let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
        let mut parts = inner.splitn(3, '?');
        let (label, kind, encoded) = (parts.next()?, parts.next()?, parts.next()?);
        let label = label.split('*').next().unwrap_or_default(); // RFC 2231 adds a language
        let bytes = match kind {
            "B" | "b" => BASE64_STANDARD.decode(encoded).ok()?,
            "Q" | "q" => quoted_printable(encoded),
            _ => return None,
        };
        // A character may be cut between two words, so all bytes are decoded together.
        if charset.get_or_insert_with(|| label.to_owned()) != label {
            return None;
        }
        whole.extend(bytes);
    }
    decoded(charset?.as_bytes(), &whole)
}

/// The `Q` encoding: `_` is a blank, `=C3` a byte.
fn quoted_printable(text: &str) -> Vec<u8> {
    percent_decode(text.replace('%', "%25").replace('_', " ").replace('=', "%").as_bytes()).collect()
}

/// A name of which every character that could be escaped is, as aiohttp writes it.
fn escaped_throughout(text: &str) -> Option<String> {
    let name = percent_decode(text.as_bytes()).decode_utf8().ok()?;
    let is_evidence = name.chars().any(|c| c != '%' && !c.is_ascii_alphanumeric() && !"-._~".contains(c));
    let same = || utf8_percent_encode(&name, ALL_BUT_UNRESERVED).to_string() == text;
    (is_evidence && same()).then(|| name.into_owned())
}

/// Browsers escape three characters (WHATWG, multipart/form-data), and no percent sign.
fn with_browsers_escapes(text: &str) -> String {
    text.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

/// Old programs of Windows send the whole path.
fn without_directory(name: String) -> String {
    let is_drive = matches!(name.as_bytes(), [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic());
    match name.rsplit_once('\\') {
        Some((_, last)) if !last.is_empty() && (is_drive || name.starts_with("\\\\")) => last.to_owned(),
        _ => name,
    }
}

#[cfg(test)]
mod tests;
