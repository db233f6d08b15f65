//! The local runner, `placet-local`, as its own process.
//!
//! - [`credentials`], [`data_directory`], [`earlier_data`], [`lost_data`], [`full_disk`]: what it stores
//! - [`start_and_stop`], [`clock_set_back`], [`deliveries`], [`kills`], [`uploads`]: restarts and kills
//! - [`hosts`], [`ports`], [`other_user`]: where it listens, and what other users of the machine can do
//! - [`plugins`]: plugins from a directory
//! - [`sockets`]: the Socket.IO server; [`socket_figures`]: its memory and latency
//! - [`held_waits`]: how held waits end
//! - [`fairness`], [`sign_in_floods`], [`stalled_clients`]: limits that keep one caller from stopping others

pub mod clock_set_back;
pub mod credentials;
pub mod data_directory;
pub mod deliveries;
pub mod earlier_data;
pub mod fairness;
pub mod full_disk;
pub mod held_waits;
pub mod hosts;
pub mod kills;
pub mod lost_data;
pub mod other_user;
pub mod plugins;
pub mod ports;
pub mod sign_in_floods;
pub mod socket_figures;
pub mod sockets;
pub mod stalled_clients;
pub mod start_and_stop;
pub mod uploads;
