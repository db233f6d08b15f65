//! Texts that agents and people wrote, as pages show them.
//!
//! - [`visible`]: characters that a reader cannot see, or that reorder what stands around them
//! - [`excerpt`]: one line that says what a text is about
//! - [`json_tree`]: JSON in the order it was sent
//! - [`links`]: addresses that become links
//! - [`rewrite`]: Markdown events as pages show them

pub mod excerpt;
pub mod json_tree;
pub mod links;
pub mod rewrite;
pub mod visible;

pub use visible::visible;

use std::fmt;

/// HTML that a template writes as it is.
#[derive(Clone, Debug)]
pub struct Html(pub String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Html {}
