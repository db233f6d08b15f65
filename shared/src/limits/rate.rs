//! A token bucket.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A token bucket, as the moment at which it would be full again.
#[derive(Debug)]
pub(super) struct Rate(Mutex<Instant>);

impl Rate {
    /// A full bucket.
    pub fn full() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// Takes one of `burst` tokens, each of which is back after `each`, or says after how long there is one.
    pub fn take(&self, each: Duration, burst: u32) -> Result<(), Duration> {
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let next = (*full_at).max(now) + each;
        let wait = next.saturating_duration_since(now + each * burst.max(1));
        if !wait.is_zero() {
            return Err(wait);
        }
        *full_at = next;
        Ok(())
    }

    /// Whether no token is taken.
    pub fn is_full(&self) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) <= Instant::now()
    }
}
