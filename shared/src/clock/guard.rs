//! Protection against a wall clock that is set wrong: a jump against the monotonic clock is not believed at once.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A smaller difference is believed: clocks are corrected a little all the time.
const TOLERANCE_MS: i64 = 60 * 1000;
/// A jump that has stood for this long is confirmed.
const CONFIRMATION_MS: i64 = 15 * 60 * 1000;

/// Compares the wall clock with a monotonic one. After a jump the time goes on from before it, until the jump is
/// undone or confirmed. All numbers are milliseconds.
#[derive(Debug)]
pub(super) struct Guard {
    monotonic: fn() -> Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The last wall time that was believed, with its monotonic time.
    believed: Option<(i64, i64)>,
    jump: Option<Jump>,
}

/// A jump that is not confirmed.
#[derive(Clone, Copy, Debug)]
struct Jump {
    by: i64,
    since: i64,
}

impl Guard {
    pub fn new(monotonic: fn() -> Duration) -> Self {
        Self { monotonic, state: Mutex::default() }
    }

    /// The time to believe when the wall clock shows `wall`; `passed` is added to the monotonic time.
    pub fn read(&self, wall: i64, passed: i64) -> i64 {
        let monotonic = i64::try_from((self.monotonic)().as_millis()).unwrap_or(i64::MAX).saturating_add(passed);
        self.state.lock().unwrap_or_else(PoisonError::into_inner).read(wall, monotonic)
    }

    pub fn is_in_doubt(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).jump.is_some()
    }
}

impl State {
    fn read(&mut self, wall: i64, monotonic: i64) -> i64 {
        let expected = self.believed.map_or(wall, |(before, at)| before + (monotonic - at));
        let by = wall - expected;
        if by.abs() <= TOLERANCE_MS {
            return self.believe(wall, monotonic);
        }
        match self.jump.filter(|jump| (jump.by - by).abs() <= TOLERANCE_MS) {
            Some(jump) if monotonic - jump.since >= CONFIRMATION_MS => {
                tracing::warn!(seconds = by / 1000, "the jump of the clock is taken as right");
                return self.believe(wall, monotonic);
            }
            Some(_) => {}
            None => {
                tracing::error!(
                    seconds = by / 1000,
                    "the clock jumped: nothing expires until it is right for 15 minutes"
                );
                self.jump = Some(Jump { by, since: monotonic });
            }
        }
        expected
    }

    fn believe(&mut self, wall: i64, monotonic: i64) -> i64 {
        (self.believed, self.jump) = (Some((wall, monotonic)), None);
        wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_jump_is_not_believed_until_it_has_stood_for_15_minutes() {
        for by in [8 * 24 * HOUR, -HOUR] {
            let mut state = State::default();
            assert_eq!(state.read(HOUR * 1000, 5), HOUR * 1000);
            assert_eq!(state.read(HOUR * 1000 + by + 10, 15), HOUR * 1000 + 10);
            assert!(state.jump.is_some());
            let just_before = CONFIRMATION_MS - 1;
            assert_eq!(state.read(HOUR * 1000 + by + just_before, 15 + just_before), HOUR * 1000 + 10 + just_before);
            let after = CONFIRMATION_MS;
            assert_eq!(state.read(HOUR * 1000 + by + after, 15 + after), HOUR * 1000 + by + after);
            assert!(state.jump.is_none());
        }
    }

    #[test]
    fn a_jump_that_is_undone_has_never_been() {
        let mut state = State::default();
        state.read(1_000, 0);
        assert_eq!(state.read(1_000 + 9 * HOUR, 100), 1_100);
        assert_eq!(state.read(1_200, 200), 1_200);
        assert!(state.jump.is_none());
        // Another jump counts from its own begin.
        state.read(1_200 + HOUR, 300);
        state.read(1_200 + 5 * HOUR, 300 + CONFIRMATION_MS);
        assert!(state.jump.is_some_and(|jump| jump.since == 300 + CONFIRMATION_MS));
    }

    #[test]
    fn a_clock_that_drifts_is_followed() {
        let mut state = State::default();
        for second in 0..10_000 {
            assert_eq!(state.read(second * 1_010, second * 1_000), second * 1_010);
        }
    }
}
