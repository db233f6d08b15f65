//! What EventBridge's schedules do.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Stop;

/// Runs `work` now and every `period` from now on, never two at a time.
pub async fn every<W: Future<Output = ()>>(period: Duration, mut stop: Stop, work: impl Fn() -> W) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.wait() => return,
            _ = ticks.tick() => work().await,
        }
    }
}
