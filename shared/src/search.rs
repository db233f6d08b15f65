//! Texts as people search them: however their characters are composed, in any case.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// A text in the form in which searches compare. `Prüfung` typed with one character for `ü` and with
/// two (as macOS names files) have one form, and so do `STRASSE` and `Straße`.
pub fn folded(text: &str) -> String {
    // To the other case and back folds what one case has no letter of its own for: ß, final sigma.
    let fold = |c: char| c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    let folded: String = decomposed.chars().flat_map(fold).collect();
    // Composed again, so that "u" alone does not find "ü".
    ComposingNormalizerBorrowed::new_nfc().normalize(&folded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_has_one_form() {
        for [one, other] in [
            ["Prüfung", "Pru\u{308}fung"],
            ["PRÜFUNG", "pru\u{308}fung"],
            ["Straße", "STRASSE"],
            ["STRAẞE", "strasse"],
            ["ΟΔΟΣ", "οδος"],
            ["οδοσ", "οδος"],
            ["Ångström", "A\u{30A}NGSTRO\u{308}M"],
            ["Å", "\u{212B}"],
            ["한국", "\u{1112}\u{1161}\u{11AB}\u{1100}\u{116E}\u{11A8}"],
            ["ệ", "e\u{302}\u{323}"],
            ["ǅ", "Ǆ"],
            ["Ԁ", "ԁ"],
            ["ﬁle", "FILE"],
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
            assert_eq!(folded(&folded(one)), folded(one));
        }
    }

    #[test]
    fn a_letter_is_not_found_in_the_same_with_a_mark() {
        assert!(!folded("Pru\u{308}fung").contains(&folded("pruf")));
        assert!(folded("Pru\u{308}fung").contains(&folded("PRÜF")));
    }
}
