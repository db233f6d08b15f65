//! Values that look like secrets: pages show them only once somebody opens them.

use std::ops::Range;

/// Whether the members of this name hold secrets, in any spelling.
pub fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 14] = [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "secrets",
        "token",
        "authorization",
        "bearer",
        "cookie",
        "cookies",
        "credential",
        "credentials",
        "jwt",
    ];
    const JOINED: [&str; 8] =
        ["apikey", "accesskey", "privatekey", "secretkey", "signingkey", "encryptionkey", "authkey", "sessionid"];
    let words = words(name);
    let is_word = |word: &String| WORDS.contains(&word.as_str()) || JOINED.contains(&word.as_str());
    let is_joined = |pair: &[String]| JOINED.contains(&pair.concat().as_str());
    words.iter().any(is_word) || words.windows(2).any(is_joined)
}

/// The parts of a text that look like secrets, in order.
pub fn secret_parts(text: &str) -> Vec<Range<usize>> {
    if text.contains("PRIVATE KEY-----") {
        return std::iter::once(0..text.len()).collect();
    }
    let mut found = vec![];
    let mut start = 0;
    while start < text.len() {
        let rest = &text[start..];
        let end = start + rest.find(is_delimiter).unwrap_or(rest.len());
        let word = &text[start..end];
        if is_secret(word) {
            found.push(start..end);
        } else if let Some(password) = password_of_address(word) {
            found.push(start + password.start..start + password.end);
        }
        start = end + text[end..].chars().next().map_or(1, char::len_utf8);
    }
    found
}

fn is_delimiter(character: char) -> bool {
    character.is_whitespace() || matches!(character, '"' | '\'' | '`' | '=' | ',' | ';' | '<' | '>' | '(' | ')' | '&')
}

/// Whether a word has the form of a key or a token that a service hands out.
fn is_secret(word: &str) -> bool {
    const PREFIXES: [(&str, usize); 24] = [
        ("sk-", 20),
        ("sk_live_", 16),
        ("sk_test_", 16),
        ("rk_live_", 16),
        ("rk_test_", 16),
        ("ghp_", 20),
        ("gho_", 20),
        ("ghu_", 20),
        ("ghs_", 20),
        ("ghr_", 20),
        ("github_pat_", 20),
        ("glpat-", 16),
        ("xoxb-", 16),
        ("xoxp-", 16),
        ("xoxa-", 16),
        ("xoxs-", 16),
        ("AIza", 30),
        ("npm_", 30),
        ("pypi-", 30),
        ("SG.", 30),
        ("hf_", 20),
        ("hp_", 32),
        ("hs_", 32),
        ("whsec_", 20),
    ];
    let rest = |prefix: &str| word.strip_prefix(prefix).map_or(0, str::len);
    let is_aws = |prefix: &str| {
        let key = word.strip_prefix(prefix).unwrap_or_default();
        key.len() == 16 && key.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit())
    };
    let is_jwt = || word.starts_with("eyJ") && word.len() > 40 && word.split('.').count() >= 3;
    PREFIXES.iter().any(|(prefix, least)| rest(prefix) >= *least) || is_aws("AKIA") || is_aws("ASIA") || is_jwt()
}

/// Where the password of an address such as `https://user:password@host/` stands.
fn password_of_address(word: &str) -> Option<Range<usize>> {
    let start = word.find("://")? + 3;
    let host = word[start..].find(['/', '?', '#']).map_or(word.len(), |end| start + end);
    let end = start + word[start..host].rfind('@')?;
    let colon = start + word[start..end].find(':')?;
    (colon + 1 < end).then_some(colon + 1..end)
}

/// The words of a name, in lower case: `accessToken`, `access_token` and `ACCESS-TOKEN` have two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for character in name.chars() {
        if !character.is_alphanumeric() || character.is_uppercase() && was_lower {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character.is_alphanumeric()) {
            word.extend(character.to_lowercase());
        }
        was_lower = character.is_lowercase() || character.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "password",
            "newPassword",
            "api_key",
            "API-KEY",
            "apiKey",
            "Authorization",
            "access_token",
            "authToken",
            "client_secret",
            "privateKey",
            "DB_PASSWORD",
            "Set-Cookie",
            "credentials",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["max_tokens", "tokenizer", "author", "key", "keyboard", "secretary", "amount", "passenger", ""] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn secrets_are_known_by_their_forms() {
        let of = |text: &str| secret_parts(text).into_iter().map(|it| text[it].to_owned()).collect::<Vec<_>>();
        let key = "sk-abcdefghijklmnopqrstuvwx";
        assert_eq!(of(&format!("curl -H 'Authorization: Bearer {key}' https://x")), [key]);
        assert_eq!(of("AKIAIOSFODNN7EXAMPLE"), ["AKIAIOSFODNN7EXAMPLE"]);
        assert_eq!(of("postgres://app:hunter2@db/main"), ["hunter2"]);
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N";
        assert_eq!(of(jwt), [jwt]);
        let pem = "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----";
        assert_eq!(of(pem), [pem]);
        for text in ["sk-short", "AKIA", "https://user@host/", "eyJ", "task-management-with-a-long-name", "é=é;é"] {
            assert!(of(text).is_empty(), "{text}");
        }
    }
}
