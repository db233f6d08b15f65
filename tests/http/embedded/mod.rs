//! The embedded engines, compared with the services that they replace.
//!
//! - [`table`], [`items`]: DynamoDB
//! - [`files`], [`disk`], [`parts`]: S3

pub mod disk;
pub mod files;
pub mod items;
pub mod parts;
pub mod table;
