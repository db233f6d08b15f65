//! The embedded engines, held against the services they stand for.

pub mod disk;
pub mod files;
pub mod items;
pub mod table;
