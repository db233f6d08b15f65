//! The pages, as the server writes them.

pub mod foreign_pages;
pub mod inbox_pages;
pub mod layout;
pub mod other_pages;
