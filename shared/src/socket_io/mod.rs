//! Socket.IO, as the local runner and the function `sockets` speak it.
//!
//! - [`frames`]: the frames of Engine.IO and Socket.IO as text
//! - [`mod@sign_in`]: who connects, and what clients may send

pub mod frames;
pub mod sign_in;

pub use sign_in::{authenticate, channel_id, channel_of_relayed, is_refused, is_relayed, open_channel, sign_in};

/// Connections that one user may have.
pub const MAX_CONNECTIONS_OF_USER: usize = 2_000;
