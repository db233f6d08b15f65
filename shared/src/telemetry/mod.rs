//! What is recorded about requests.
//!
//! - [`logging`]: the setup of log output
//! - [`cost`]: what each request costs: calls, round trips, capacity; tasks in its background

pub mod cost;
pub mod logging;
