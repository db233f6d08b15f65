//! How long a future was on a processor, as the clock of its thread says while it is polled.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use cpu_time::ThreadTime;

/// Runs `work`; gives what it gave, and its time. What it spawned is not in it.
pub async fn measure<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let mut work = pin!(work);
    let mut spent = Duration::ZERO;
    poll_fn(|context| {
        let began = ThreadTime::now();
        let polled = work.as_mut().poll(context);
        spent += began.elapsed();
        match polled {
            Poll::Ready(gave) => Poll::Ready((gave, spent)),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
