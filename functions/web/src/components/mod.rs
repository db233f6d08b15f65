//! Parts that several pages show.
//!
//! - [`layout`]: what surrounds every page of a person who is signed in; [`icons`]
//! - [`review_list`]: the list of reviews; [`agent_row`]: an agent in a list
//! - [`message`], with its [`attachment`]s, of which CSV files are shown as a table ([`csv_table`])
//! - [`review_view`]: a review with its form, or its outcome

pub mod agent_row;
pub mod attachment;
pub mod csv_table;
pub mod icons;
pub mod layout;
pub mod message;
pub mod review_list;
pub mod review_view;
