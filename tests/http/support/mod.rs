//! Setups and drivers that several tests share.

pub mod answered_review;
pub mod delivery_driver;
pub mod receiver;
