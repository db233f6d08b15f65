//! The CPU time of a future: the time of its thread while it is polled.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use cpu_time::ThreadTime;

/// Runs `work`; returns its result and its CPU time, without that of tasks it spawned.
pub async fn measure<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let mut work = pin!(work);
    let mut spent = Duration::ZERO;
    poll_fn(|context| {
        let began = ThreadTime::now();
        let polled = work.as_mut().poll(context);
        spent += began.elapsed();
        match polled {
            Poll::Ready(output) => Poll::Ready((output, spent)),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
