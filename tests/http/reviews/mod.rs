//! `/api/v1/reviews`, answers and waits

pub mod answer_files;
pub mod answers;
pub mod expiry;
pub mod forms;
pub mod lists;
pub mod near_miss_types;
pub mod password_answers;
pub mod races;
pub mod types;
pub mod waits;
