//! The local runner, as a process of its own.

pub mod credentials;
pub mod data_directory;
pub mod deliveries;
pub mod earlier_data;
pub mod fairness;
pub mod full_disk;
pub mod hosts;
pub mod lost_data;
pub mod ports;
pub mod start_and_stop;
pub mod uploads;
