//! How often each user has plugins call hosts that no manifest names.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::rate::Rate;
use crate::error::Error;
use crate::ids::UserId;

/// Calls at once: as many as `http-check` shows in one message.
const BURST: u32 = 20;
/// After this time one more call is allowed.
const EACH: Duration = Duration::from_secs(3);
/// With more users than this, those who have not called for a while are forgotten.
const MAX_REMEMBERED: usize = 1_000;

/// The calls of each user. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Fetches(Arc<Mutex<HashMap<UserId, Rate>>>);

impl Fetches {
    /// Counts a call, or says when the next one is allowed.
    pub fn charge(&self, user: UserId) -> Result<(), Error> {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= MAX_REMEMBERED {
            users.retain(|_, rate| !rate.is_full());
        }
        let charged = users.entry(user).or_insert_with(Rate::full).take(EACH, BURST);
        charged
            .map_err(|wait| Error::too_many("Too many calls of hosts that the plugin's manifest does not name", wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn each_user_has_a_burst_and_others_are_not_charged_for_it() {
        let (fetches, now) = (Fetches::default(), Timestamp::from_millis(1));
        let (user, other) = (UserId::new(now), UserId::new(now));
        assert!((0..BURST).all(|_| fetches.charge(user).is_ok()));
        assert!(fetches.charge(user).is_err());
        assert!(fetches.charge(other).is_ok());
    }
}
