//! Passwords that clients send: hashing and verification with Argon2id, and which ones may be set.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Instant;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::secrets::password_queue;

/// The fewest characters of a password that is set.
pub const MIN_LENGTH: usize = 8;
/// The most characters of a password.
pub const MAX_LENGTH: usize = 1024;
/// The 3,000 commonest passwords of 8 and more characters in published leaks, from the lists of zxcvbn, in lower case
/// and sorted.
const COMMON_PASSWORDS: &str = include_str!("common_passwords.txt");

/// Why a password may not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    TooShort,
    TooLong,
    /// One of those that are tried first.
    TooCommon,
}

impl Weakness {
    /// The weakness of a password, if it has one.
    pub fn of(password: &str) -> Option<Self> {
        let length = password.chars().count();
        match length {
            _ if length < MIN_LENGTH => Some(Self::TooShort),
            _ if length > MAX_LENGTH => Some(Self::TooLong),
            _ if is_common(password) => Some(Self::TooCommon),
            _ => None,
        }
    }

    /// The code of the error.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::TooCommon => "too_common",
        }
    }

    /// What is wrong with the password that `name` stands for.
    pub fn sentence(self, name: &str) -> String {
        match self {
            Self::TooShort => format!("{name} must have at least {MIN_LENGTH} characters"),
            Self::TooLong => format!("{name} may have at most {MAX_LENGTH} characters"),
            Self::TooCommon => format!("{name} is one of the most common passwords: choose another one"),
        }
    }
}

/// Whether a password is on the list, is a row of consecutive characters, or repeats at most two of them.
fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    let letters: Vec<u32> = lower.chars().map(u32::from).collect();
    let is_row = |step: i64| letters.windows(2).all(|pair| i64::from(pair[1]) - i64::from(pair[0]) == step);
    let distinct: BTreeSet<u32> = letters.iter().copied().collect();
    let is_listed = || COMMON_PASSWORDS.lines().any(|common| common == lower.trim());
    distinct.len() <= 2 || is_row(1) || is_row(-1) || is_listed()
}

/// A password that a client sent. Hashing takes tens of milliseconds of CPU, so it runs on a blocking
/// thread.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// A password as it was sent.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Its Argon2id hash in PHC format, with a new salt.
    pub async fn hash(self) -> Result<String, Error> {
        on_blocking_thread(move || {
            Argon2::default()
                .hash_password(self.0.as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|err| Error::internal(format!("hashing a password: {err}")))
        })
        .await?
    }

    /// Whether this is the password behind `stored`. Without a stored hash (an unknown e-mail) the same
    /// work is done against a hash that no password has, or the response is delayed by as long as that
    /// took recently: both cases take the same time.
    pub async fn matches(self, stored: Option<String>) -> Result<bool, Error> {
        const UNMATCHED_HASH: &str =
            "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keQ$4Ki0HrMbLJoQO3bFsMeZ0ydsBYMPYBr/tQJjYEKBRGM";
        if stored.is_none()
            && let Some(delay) = password_queue::simulated_delay()
        {
            tokio::time::sleep(delay).await;
            return Ok(false);
        }
        let began = Instant::now();
        let matched = on_blocking_thread(move || {
            let known = stored.is_some();
            let text = stored.unwrap_or_else(|| UNMATCHED_HASH.to_owned());
            let hash =
                PasswordHash::new(&text).map_err(|err| Error::internal(format!("a stored password hash: {err}")))?;
            let same = Argon2::default().verify_password(self.0.as_bytes(), &hash).is_ok();
            Ok(known && same)
        })
        .await?;
        password_queue::record(began.elapsed());
        matched
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Each hash takes 19 MiB and a core: a burst of logins queues.
static CONCURRENT_HASHES: Semaphore = Semaphore::const_new(2);

async fn on_blocking_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let turn = CONCURRENT_HASHES.acquire().await.map_err(Error::internal)?;
    // The turn lasts as long as the work, even if the caller has gone.
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    done.await.map_err(|err| Error::internal(format!("password work ended early: {err}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_a_password() {
        assert_eq!(format!("{:?}", Password::new("hunter22".into())), "***");
    }

    #[test]
    fn short_common_and_repeated_passwords_are_weak() {
        use Weakness::{TooCommon, TooLong, TooShort};
        for (password, weakness) in [
            ("1234567", Some(TooShort)),
            ("12345678", Some(TooCommon)),
            ("Password", Some(TooCommon)),
            (" iloveyou ", Some(TooCommon)),
            ("        ", Some(TooCommon)),
            ("abababababab", Some(TooCommon)),
            ("abcdefghijkl", Some(TooCommon)),
            ("987654321", Some(TooCommon)),
            ("passwor\u{f6}d", None),
            ("correct horse", None),
        ] {
            assert_eq!(Weakness::of(password), weakness, "{password}");
        }
        assert_eq!(Weakness::of(&"long ".repeat(300)), Some(TooLong));
        assert!(COMMON_PASSWORDS.lines().is_sorted());
    }

    #[tokio::test]
    async fn passwords_match_their_own_hash_only() -> Result<(), Error> {
        let hash = Password::new("correct horse".into()).hash().await?;
        assert!(Password::new("correct horse".into()).matches(Some(hash.clone())).await?);
        assert!(!Password::new("wrong horse".into()).matches(Some(hash)).await?);
        assert!(!Password::new("correct horse".into()).matches(None).await?);
        Ok(())
    }
}
