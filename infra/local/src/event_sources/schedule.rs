//! The schedules of EventBridge.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::StopSignal;

/// Runs `work` now and then every `period`, one run at a time.
pub async fn every<W: Future<Output = ()>>(period: Duration, mut stop: StopSignal, work: impl Fn() -> W) {
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
