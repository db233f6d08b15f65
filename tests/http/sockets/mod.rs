//! The function `sockets`, driven with events of a WebSocket API and the table's stream.
//!
//! - [`gateway`]: the management endpoint, and the events that the gateway sends
//! - [`events`]: who is let in, and which events reach whom; [`pings`]: the schedule

pub mod events;
pub mod gateway;
pub mod pings;
