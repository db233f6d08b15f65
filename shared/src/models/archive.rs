//! Names inside an archive. File names are data, but programs that unpack an archive use them as
//! paths, so here they become harmless ones, each once.

use std::collections::HashSet;

use crate::invisible::is_invisible;

/// The most bytes of a name: file systems take 255, and a number may be put behind.
const MAX_NAME: usize = 200;

/// Names that Windows keeps for devices, with any extension.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// A name for each file, in their order: no paths, nothing invisible, and no two that a file
/// system could take for one.
pub fn unique_names<'a>(filenames: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::new();
    filenames
        .map(|filename| {
            let name = safe_name(filename);
            let mut numbered = name.clone();
            let mut number = 1;
            while !taken.insert(numbered.to_lowercase()) {
                number += 1;
                let (stem, extension) = split(&name);
                numbered = format!("{stem} ({number}){extension}");
            }
            numbered
        })
        .collect()
}

fn safe_name(filename: &str) -> String {
    let kept = |c: char| if is_hidden(c) || "/\\:*?\"<>|".contains(c) { '_' } else { c };
    let name: String = filename.chars().map(kept).collect();
    // A name of dots is a way up; one that starts with a dot hides, one that ends in one is cut.
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let (stem, extension) = split(name);
    let (stem, extension) = (cut(stem, MAX_NAME - extension.len()), extension);
    let device = stem.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = |kind: &str| device.strip_prefix(kind).is_some_and(|n| n.len() == 1 && n != "0");
    let before = if DEVICES.contains(&device.as_str()) || numbered("com") || numbered("lpt") { "_" } else { "" };
    if name.is_empty() { "file".to_owned() } else { format!("{before}{stem}{extension}") }
}

/// Characters that are no part of a name. A variation selector is: it tells how the emoji in front of it is drawn.
fn is_hidden(c: char) -> bool {
    c.is_control() || is_invisible(c) && !('\u{FE00}'..='\u{FE0F}').contains(&c)
}

/// A name without, and its short extension with, the dot.
fn split(name: &str) -> (&str, &str) {
    const MAX_EXTENSION: usize = 16;
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= MAX_EXTENSION => name.split_at(at),
        _ => (name, ""),
    }
}

fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: &[&str]) -> Vec<String> {
        unique_names(given.iter().copied())
    }

    #[test]
    fn no_name_is_a_path() {
        let given =
            ["../../etc/passwd", "/abs", "C:\\x", "..", ".", "", "a\r\n\0b", ".bashrc", "a.", "NUL.txt", "com1"];
        let safe = [
            "_.._etc_passwd",
            "_abs",
            "C__x",
            "file",
            "file (2)",
            "file (3)",
            "a___b",
            "bashrc",
            "a",
            "_NUL.txt",
            "_com1",
        ];
        assert_eq!(names(&given), safe);
        assert_eq!(names(&["\u{202e}gpj.exe", "Grüße 🦀.txt"]), ["_gpj.exe", "Grüße 🦀.txt"]);
    }

    #[test]
    fn no_name_is_there_twice_in_any_case() {
        assert_eq!(
            names(&["a.txt", "A.TXT", "a.txt", "a (2).txt"]),
            ["a.txt", "A (2).TXT", "a (3).txt", "a (2) (2).txt"]
        );
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let long = names(&[&format!("{}.jpeg", "ü".repeat(1000))]).concat();
        assert!(long.len() <= MAX_NAME && long.ends_with("ü.jpeg"), "{long}");
    }
}
