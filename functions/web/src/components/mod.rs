//! Parts that several pages show.
//!
//! - [`layout`]: what surrounds every page of a person who is signed in; [`icons`]
//! - [`review_list`]: the list of reviews; [`agent_row`]: an agent in a list
//! - [`message`], with its [`attachment`]s, of which CSV files are shown as a table ([`csv_table`]); [`file_kind`]

pub mod agent_row;
pub mod attachment;
pub mod csv_table;
pub mod file_kind;
pub mod icons;
pub mod layout;
pub mod message;
pub mod review_list;
