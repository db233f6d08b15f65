//! Passwords that clients send: hashing and verification with Argon2id.

use std::fmt;
use std::time::Instant;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::secrets::password_queue;

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
    let _turn = CONCURRENT_HASHES.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(|err| Error::internal(format!("password work ended early: {err}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_a_password() {
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
