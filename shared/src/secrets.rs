//! Secrets are types: a plain one is shown once and can't be stored or logged by accident.
//!
//! An API key is `hp_`, 43 random characters (256 bits), then its user's ULID; a session token
//! the same behind `hs_`. The user at the end lets "all of mine" lists be read beside the check
//! of the key instead of after it; the random part comes first so that a key's display prefix
//! tells keys apart. What a key claims of its user counts only once its stored hash agrees.

use std::fmt;
use std::time::Instant;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::ids::{UserId, parse_ulid};
use crate::limits::guesses;

const API_KEY: &str = "hp_";
const SESSION: &str = "hs_";
const RANDOM_LEN: usize = 43;

/// `N` bytes from the system's source of randomness.
///
/// # Panics
/// When the system has no randomness to give: nothing secret could be made safely then.
#[expect(clippy::expect_used, reason = "without randomness no key or id may be made")]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system's source of randomness answers");
    bytes
}

/// The SHA-256 of a credential, in hex: all that is ever stored of one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hashed(String);

impl Hashed {
    pub fn of(secret: &str) -> Self {
        Self(hex(&Sha256::digest(secret.as_bytes())))
    }

    /// A hash as it was read from the table.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A freshly made key, token or password, whole. Its `Debug` says nothing.
pub struct Plain(String);

impl Plain {
    pub fn api_key(user: UserId) -> Self {
        Self::make(API_KEY, user)
    }

    pub fn session(user: UserId) -> Self {
        Self::make(SESSION, user)
    }

    /// A password for somebody's first sign-in: 96 bits.
    pub fn temporary_password() -> Self {
        Self(URL_SAFE_NO_PAD.encode(random::<12>()))
    }

    /// The same as what a person will type.
    pub fn as_password(&self) -> Password {
        Password(self.0.clone())
    }

    fn make(prefix: &str, user: UserId) -> Self {
        let random = URL_SAFE_NO_PAD.encode(random::<32>());
        Self(format!("{prefix}{random}{}", user.ulid()))
    }

    pub fn hashed(&self) -> Hashed {
        Hashed::of(&self.0)
    }

    /// The first 11 characters, kept to tell keys apart on a page.
    pub fn display_prefix(&self) -> String {
        self.0.chars().take(11).collect()
    }

    /// The one place where the secret leaves: the answer that shows it once.
    pub fn reveal(self) -> String {
        self.0
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A credential somebody presented: its hash, and the user it claims to be of.
#[derive(Clone, Debug)]
pub struct Presented {
    pub hashed: Hashed,
    pub claimed: UserId,
}

impl Presented {
    pub fn api_key(text: &str) -> Option<Self> {
        Self::parse(API_KEY, text)
    }

    pub fn session(text: &str) -> Option<Self> {
        Self::parse(SESSION, text)
    }

    fn parse(prefix: &str, text: &str) -> Option<Self> {
        let (random, user) = text.strip_prefix(prefix)?.split_at_checked(RANDOM_LEN)?;
        let url_safe = random.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let claimed = UserId::from_ulid(parse_ulid(user).ok()?);
        url_safe.then(|| Self { hashed: Hashed::of(text), claimed })
    }
}

/// A password on its way in. Hashing it takes tens of milliseconds of CPU, so it runs beside the
/// async threads.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    pub async fn hash(self) -> Result<String, Error> {
        off_thread(move || {
            Argon2::default()
                .hash_password(self.0.as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|err| Error::internal(format!("hashing a password: {err}")))
        })
        .await?
    }

    /// Whether this is the password behind `stored`. With nothing stored (no such e-mail) the
    /// same work is done against a hash that no password has, or as long is waited as that took a
    /// moment ago, so both take the same time.
    pub async fn matches(self, stored: Option<String>) -> Result<bool, Error> {
        const NOBODYS: &str =
            "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keQ$4Ki0HrMbLJoQO3bFsMeZ0ydsBYMPYBr/tQJjYEKBRGM";
        if stored.is_none()
            && let Some(pretence) = guesses::pretence()
        {
            tokio::time::sleep(pretence).await;
            return Ok(false);
        }
        let began = Instant::now();
        let judged = off_thread(move || {
            let known = stored.is_some();
            let text = stored.unwrap_or_else(|| NOBODYS.to_owned());
            let hash =
                PasswordHash::new(&text).map_err(|err| Error::internal(format!("a stored password hash: {err}")))?;
            let same = Argon2::default().verify_password(self.0.as_bytes(), &hash).is_ok();
            Ok(known && same)
        })
        .await?;
        guesses::took(began.elapsed());
        judged
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Each takes 19 MiB and a core: a burst of sign-ins waits its turn.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let _turn = AT_ONCE.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(|err| Error::internal(format!("password work ended early: {err}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_key_is_long_enough_and_names_its_user() {
        let user = UserId::new(Timestamp::from_millis(1));
        let key = Plain::api_key(user);
        let (hash, prefix, text) = (key.hashed(), key.display_prefix(), key.reveal());
        assert!(text.starts_with("hp_") && text.len() >= 3 + 32);
        assert_eq!((prefix.len(), text.starts_with(&prefix)), (11, true));
        let presented = Presented::api_key(&text);
        assert_eq!(presented.as_ref().map(|p| p.claimed), Some(user));
        assert_eq!(presented.map(|p| p.hashed), Some(hash));
        assert!(Presented::session(&text).is_none());
    }

    #[test]
    fn debug_never_shows_a_secret() {
        let user = UserId::new(Timestamp::from_millis(1));
        assert_eq!(format!("{:?}", Plain::session(user)), "***");
        assert_eq!(format!("{:?}", Password::new("hunter22".into())), "***");
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
