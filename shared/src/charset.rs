//! What the bytes of a text file say, in whatever charset they are.

use encoding_rs::{Encoding, UTF_8};

use crate::media_type;

/// The text of a file of this media type: by its byte order mark, else in the charset that the type
/// declares, else in UTF-8. `None` when the bytes are no such text. The mark is no part of it.
pub fn text(bytes: &[u8], mime_type: &str) -> Option<String> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return in_charset(encoding, &bytes[mark..]);
    }
    // Programs that declare ASCII mean that they do not know better: it is a part of UTF-8.
    let is_ascii = |label: &&str| label.eq_ignore_ascii_case("us-ascii") || label.eq_ignore_ascii_case("ascii");
    let label = media_type::parameter(mime_type, "charset").filter(|label| !is_ascii(label));
    let declared = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    declared.and_then(|it| in_charset(it, bytes)).or_else(|| in_charset(UTF_8, bytes))
}

/// The same of the first bytes of a longer file: up to the last line that is whole, if there is
/// one, and never with half a character at the end.
pub fn first_text(bytes: &[u8], mime_type: &str) -> Option<String> {
    /// The longest character that any charset has.
    const CHARACTER: usize = 4;
    let cut = (0..CHARACTER.min(bytes.len())).find_map(|less| text(&bytes[..bytes.len() - less], mime_type));
    cut.map(|text| match text.rfind('\n') {
        Some(end) => text[..=end].to_owned(),
        None => text,
    })
}

fn in_charset(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        format!("\u{FEFF}{text}").encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn texts_with_a_mark_are_read_by_it() {
        for bytes in [
            utf16("Größe\t🦀", u16::to_le_bytes),
            utf16("Größe\t🦀", u16::to_be_bytes),
            "\u{FEFF}Größe\t🦀".as_bytes().to_vec(),
            "Größe\t🦀".as_bytes().to_vec(),
        ] {
            for mime in ["text/csv", "text/csv; charset=iso-8859-1", "text/plain;charset=utf-8"] {
                let marked = bytes.starts_with(b"\xEF\xBB\xBF") || !bytes.starts_with(b"G");
                if marked || !mime.contains("iso") {
                    assert_eq!(text(&bytes, mime).as_deref(), Some("Größe\t🦀"), "{mime}");
                }
            }
        }
    }

    #[test]
    fn a_declared_charset_is_read_in_it() {
        for (mime, bytes, said) in [
            ("text/csv; charset=iso-8859-1", &b"Gr\xF6\xDFe"[..], "Größe"),
            ("text/csv; charset=\"windows-1252\"", b"10 \x80", "10 €"),
            ("text/plain;charset=Shift_JIS", b"\x93\xFA\x96\x7B", "日本"),
            ("text/plain; charset=utf-16le", b"a\0b\0", "ab"),
            ("text/plain; charset=koi8-r", b"\xF0\xD2", "Пр"),
        ] {
            assert_eq!(text(bytes, mime).as_deref(), Some(said), "{mime}");
        }
        // A charset that is unknown, or not that of the bytes, is as none.
        assert_eq!(text("ü".as_bytes(), "text/plain; charset=martian").as_deref(), Some("ü"));
        assert_eq!(text("ü".as_bytes(), "text/plain; charset=us-ascii").as_deref(), Some("ü"));
        assert_eq!(text("日本".as_bytes(), "text/plain; charset=euc-kr").as_deref(), Some("日本"));
    }

    #[test]
    fn what_is_no_text_has_none() {
        for bytes in [&b"Gr\xF6\xDFe"[..], b"\xFF\xFEa", b"\xFF\xFE\x00\xD8", b"\x80"] {
            assert_eq!(text(bytes, "text/plain"), None, "{bytes:?}");
        }
        assert_eq!(text(b"", "text/plain").as_deref(), Some(""));
    }

    #[test]
    fn a_first_part_ends_with_a_whole_line_or_a_whole_character() {
        let long = "äöü🦀\n".repeat(9);
        for end in 1..long.len() {
            let first = first_text(&long.as_bytes()[..end], "text/plain").unwrap_or_default();
            assert!(long.starts_with(&first) && !first.contains('\u{FFFD}'), "{end}");
            assert!(end < 12 || first.ends_with('\n'), "{end}: {first}");
            let wide = utf16(&long, u16::to_le_bytes);
            assert!(long.starts_with(&first_text(&wide[..end + 1], "text/csv").unwrap_or_default()), "{end}");
        }
    }
}
