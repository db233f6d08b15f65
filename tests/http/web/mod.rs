//! The pages, as the server renders them.
//!
//! - [`inbox_pages`], [`other_pages`]: contents and forms
//! - [`page_headers`]: what a page may load, and the headers of pages and assets
//! - [`foreign_pages`]: requests from pages of other sites
//! - [`layout`]: time and size bounds

pub mod foreign_pages;
pub mod inbox_pages;
pub mod layout;
pub mod other_pages;
pub mod page_headers;
