//! What several tests set up or drive.

pub mod answered_review;
pub mod delivery_driver;
pub mod receiver;
