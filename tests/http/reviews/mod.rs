//! `/api/v1/reviews`, answers and waits
//!
//! - [`acts`]: approvals of an act
//! - [`types`], [`near_miss_types`], [`forms`]: review types, their payloads and their answers
//! - [`answers`], [`answer_files`], [`password_answers`], [`races`]: answering
//! - [`cancel`]: taking a review back; [`history`]: what happened to a review
//! - [`kills`]: SIGKILL between any two writes
//! - [`waits`], [`waits_for_several`], [`patient_waits`]: waiting
//! - [`lists`], [`expiry`]: lists, and the expiry run; [`clock_jumps`]: when the clock is set wrong

pub mod acts;
pub mod answer_files;
pub mod answers;
pub mod cancel;
pub mod clock_jumps;
pub mod expiry;
pub mod forms;
pub mod history;
pub mod kills;
pub mod lists;
pub mod near_miss_types;
pub mod password_answers;
pub mod patient_waits;
pub mod races;
pub mod types;
pub mod waits;
pub mod waits_for_several;
