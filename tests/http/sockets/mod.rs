//! The function `sockets`, driven with events of a WebSocket API and the table's stream.
//!
//! - [`gateway`]: the management endpoint, and the events that the gateway sends
//! - [`events`]: which events reach whom; [`pings`]: the schedule
//! - [`scopes`]: who is let in, and what keys may reach; [`costs`]: capacity units

pub mod costs;
pub mod events;
pub mod gateway;
pub mod pings;
pub mod scopes;
