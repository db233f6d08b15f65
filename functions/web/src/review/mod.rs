//! What a review asks and how it was answered.
//!
//! - [`field`]: the input of a form's field; [`number`]: numbers as people write them
//! - [`act`]: the act that an approval is about
//! - [`answer`]: a submitted form as the review's response
//! - [`summary`]: what was decided, in words; [`unsent`]: what was written too late
//! - [`versions`]: earlier versions of the request, and the [`diff`] to the one before

pub mod act;
pub mod answer;
pub mod diff;
pub mod field;
pub mod number;
pub mod summary;
pub mod unsent;
pub mod versions;
