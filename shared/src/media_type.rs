//! What type a file is stored with: the declared one, else the name's, else the first bytes'.
//!
//! `requests`, .NET and aiohttp declare nothing for a file, or `application/octet-stream`. A guess
//! decides how a file is shown and never what it may do: types that a browser could run are served
//! in a sandbox, whatever led to them, and first bytes are never taken for one of those.

/// The type of a file that says nothing of itself.
pub const UNKNOWN_TYPE: &str = "application/octet-stream";

/// How many of a file's bytes are looked at.
const FIRST_BYTES: usize = 8 * 1024;

/// Declared types that say no more than none.
const NO_TYPES: [&str; 8] = [
    UNKNOWN_TYPE,
    "binary/octet-stream",
    "application/unknown",
    "unknown/unknown",
    "application/download",
    "application/x-download",
    "application/force-download",
    "application/x-forcedownload",
];

/// Extensions that mean source code far more often than what the registry has for them.
const AMBIGUOUS: [&str; 10] = ["ts", "mts", "cts", "mod", "bat", "cmd", "com", "key", "d", "java"];

/// Extensions of texts that the registry does not have, or has as programs.
const TEXTS: [(&str, &str); 18] = [
    ("md", "text/markdown"),
    ("mdx", "text/markdown"),
    ("diff", "text/x-diff"),
    ("patch", "text/x-diff"),
    ("jsonl", "application/x-ndjson"),
    ("ndjson", "application/x-ndjson"),
    ("ipynb", "application/json"),
    ("js", "text/javascript"),
    ("mjs", "text/javascript"),
    ("tsx", "text/plain"),
    ("sh", "application/x-sh"),
    ("sql", "application/sql"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("php", "text/plain"),
    ("pl", "text/plain"),
    ("tex", "text/plain"),
    ("srt", "text/plain"),
];

/// The type to store. `bytes` are the file's, or its first ones; a file that is only announced has
/// none yet.
pub fn of_file(declared: Option<&str>, filename: &str, bytes: Option<&[u8]>) -> String {
    let declared = declared.map(str::trim).filter(|it| is_storable(it) && !says_nothing(it));
    let guessed = || of_name(filename).or_else(|| of_bytes(bytes?, filename)).unwrap_or(UNKNOWN_TYPE);
    declared.unwrap_or_else(guessed).to_owned()
}

/// The type that a name's extension stands for.
pub fn of_name(filename: &str) -> Option<&'static str> {
    let extension = extension(filename)?;
    if AMBIGUOUS.contains(&extension.as_str()) {
        return None;
    }
    let text = TEXTS.iter().find(|(known, _)| *known == extension).map(|(_, mime)| *mime);
    let registered = || mime_guess::from_ext(&extension).first_raw().filter(|mime| !says_nothing(mime));
    text.or_else(registered)
}

fn extension(filename: &str) -> Option<String> {
    filename.trim_end().rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase())
}

/// Whether the extension is one of bytes that are no text, such as `.bin`.
fn is_binary(filename: &str) -> bool {
    let registered = extension(filename)
        .and_then(|it| mime_guess::from_ext(&it).first_raw().filter(|_| !AMBIGUOUS.contains(&it.as_str())));
    registered == Some(UNKNOWN_TYPE)
}

/// The type that first bytes show: a signature, or a text that can only be read.
fn of_bytes(bytes: &[u8], filename: &str) -> Option<&'static str> {
    let first = bytes.get(..FIRST_BYTES).unwrap_or(bytes);
    let signed = infer::get(first).filter(|found| found.matcher_type() != infer::MatcherType::Text);
    match signed.map(|found| found.mime_type()) {
        // The container of HEIC has this brand.
        Some("image/heif") => Some("image/heic"),
        Some(mime) => Some(mime),
        None => (is_text(first) && !is_binary(filename)).then_some("text/plain"),
    }
}

/// UTF-8, perhaps cut inside a character, or UTF-16 with its mark, and no control characters but
/// those of texts.
fn is_text(first: &[u8]) -> bool {
    if matches!(first, [0xFF, 0xFE, _, ..] | [0xFE, 0xFF, _, ..]) {
        return true;
    }
    let control = |byte: &u8| *byte < 0x20 && !b"\t\n\r\x0C\x1B".contains(byte);
    let valid = match std::str::from_utf8(first) {
        Ok(_) => true,
        Err(err) => err.error_len().is_none() && first.len() == FIRST_BYTES,
    };
    !first.is_empty() && valid && !first.iter().any(control)
}

fn says_nothing(mime: &str) -> bool {
    NO_TYPES.contains(&essence(mime).as_str())
}

/// A media type without its parameters, in lower case.
pub fn essence(mime: &str) -> String {
    mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The value of a media type's parameter, without quotes.
pub fn parameter<'a>(mime: &'a str, name: &str) -> Option<&'a str> {
    let pairs = mime.split(';').skip(1).filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value);
    values.next().map(|value| value.trim().trim_matches(['"', '\'']))
}

/// Whether a media type can go into a Content-Type header.
fn is_storable(mime: &str) -> bool {
    let token =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    let essence = mime.split(';').next().unwrap_or_default().trim();
    let named = essence.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype));
    // Browsers take what follows a comma for another type, and show the last one.
    named && mime.len() <= 255 && mime.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const HEIC: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";

    #[test]
    fn the_declared_type_stands_where_it_says_something() {
        for declared in ["text/plain", "image/png", "Text/CSV; charset=utf-16", "application/x-anything"] {
            assert_eq!(of_file(Some(declared), "a.pdf", Some(PNG)), declared);
        }
    }

    #[test]
    fn a_type_that_says_nothing_gives_way_to_the_name() {
        let silent = [
            None,
            Some(""),
            Some("  "),
            Some("application/octet-stream"),
            Some("Application/Octet-Stream; charset=binary"),
            Some("binary/octet-stream"),
            Some("png"),
            Some("image/"),
            Some("*/*"),
            Some("text/plain\r\nX: y"),
            Some("text/plain, text/html"),
        ];
        for declared in silent {
            assert_eq!(of_file(declared, "Chart.PNG", Some(b"")), "image/png", "{declared:?}");
        }
        for (name, mime) in [
            ("a.jpeg", "image/jpeg"),
            ("a.pdf", "application/pdf"),
            ("a.mp4", "video/mp4"),
            ("README.md", "text/markdown"),
            ("a.b.csv", "text/csv"),
            ("a.txt", "text/plain"),
            ("a.html", "text/html"),
            ("a.svg", "image/svg+xml"),
            ("a.heic", "image/heic"),
            ("a.tiff", "image/tiff"),
            ("a.tsv", "text/tab-separated-values"),
            ("a.json", "application/json"),
            ("a.yml", "application/yaml"),
            ("a.log", "text/plain"),
            ("a.patch", "text/x-diff"),
            ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("no-extension", UNKNOWN_TYPE),
            ("a.unheardof", UNKNOWN_TYPE),
            (".", UNKNOWN_TYPE),
        ] {
            assert_eq!(of_file(None, name, None), mime, "{name}");
        }
    }

    #[test]
    fn a_name_that_says_nothing_gives_way_to_the_first_bytes() {
        for (bytes, mime) in [
            (PNG, "image/png"),
            (HEIC, "image/heic"),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"GIF89a", "image/gif"),
            (b"FROM rust\nRUN x\n", "text/plain"),
            ("Grüße".as_bytes(), "text/plain"),
            (b"\xFF\xFEa\0", "text/plain"),
            (b"\x00\x01\x02", UNKNOWN_TYPE),
            (b"\xC3", UNKNOWN_TYPE),
            (b"", UNKNOWN_TYPE),
        ] {
            assert_eq!(of_file(None, "file", Some(bytes)), mime, "{bytes:?}");
        }
        assert_eq!(of_file(None, "data.bin", Some(b"text")), UNKNOWN_TYPE);
        assert_eq!(of_file(None, "data.bin", Some(PNG)), "image/png");
        assert_eq!(of_file(None, "Main.java", Some(b"class Main {}")), "text/plain");
        assert_eq!(of_file(None, "app.ts", Some(b"const a = 1;")), "text/plain");
        assert_eq!(of_file(None, "app.ts", Some(b"\x47\x00\x00")), UNKNOWN_TYPE);
        let cut = "ü".repeat(FIRST_BYTES);
        assert_eq!(of_file(None, "file", Some(&cut.as_bytes()[1..])), UNKNOWN_TYPE);
        assert_eq!(of_file(None, "file", Some(format!("x{cut}").as_bytes())), "text/plain");
    }

    #[test]
    fn first_bytes_are_never_taken_for_what_a_browser_could_run() {
        for active in [
            "<!DOCTYPE html><script>alert(1)</script>",
            "<html>",
            "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
            "#!/bin/sh\nrm -rf /",
        ] {
            assert_eq!(of_file(None, "file", Some(active.as_bytes())), "text/plain");
        }
    }

    #[test]
    fn parameters_are_found_in_any_case_and_with_quotes() {
        for mime in ["text/csv;charset=latin1", "text/csv; x=y; Charset = \"latin1\"", "text/csv;charset='latin1'"] {
            assert_eq!(parameter(mime, "charset"), Some("latin1"), "{mime}");
        }
        assert_eq!(parameter("text/csv", "charset"), None);
    }
}
