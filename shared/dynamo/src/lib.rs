//! One way to read and write a DynamoDB table with a partition key `pk` and a sort key `sk`.
//!
//! Callers say which item and which attributes; this crate builds expressions with generated
//! placeholders, sends them, repeats what DynamoDB asks to repeat, and maps the SDK's errors to
//! [`Error`]. It knows nothing of what the table stores.
//!
//! - [`Table`]: a client and a table's name; reads and unconditional writes of items
//! - [`Key`], [`Item`], [`Items`], [`value`]: keys, items and attribute values
//! - [`condition`]: conditions on attributes, built with [`attr`]
//! - [`Update`], [`Put`], [`Delete`], [`Check`]: writes of one item, alone or in a transaction
//! - [`Conditional`]: how a conditional write ended
//! - [`Transaction`]: writes that happen together; each has a label, by which a refusal is matched
//! - [`Query`]: reading a range of a partition or an [`Index`]
//! - [`pagination`]: lists with a cursor
//! - [`ScannedPage`]: copying a table
//! - [`item_size`]: the size of an item against DynamoDB's limit
//! - [`retry`]: how often and with which pauses a call is repeated
//! - [`version`]: the schema version of items, stamped at each write and checked at each read
//! - [`migration`]: changing stored items from one version to the next
//! - [`schema`]: the table's definition, and creating the table

mod batch;
pub mod condition;
mod conditional;
mod copy;
mod error;
pub mod item_size;
mod key;
pub mod migration;
pub mod pagination;
mod query;
pub mod retry;
pub mod schema;
mod table;
mod transaction;
mod update;
pub mod value;
pub mod version;
mod write;

pub use batch::MAX_BATCH_GET;
pub use condition::{Condition, attr, item_absent, item_exists};
pub use conditional::Conditional;
pub use copy::ScannedPage;
pub use error::{Error, check_version};
pub use key::{Items, Key, PK, SK};
pub use query::{Index, ItemPage, Query};
pub use retry::{MAX_ATTEMPTS, pause, until_applied, until_applied_from};
pub use table::Table;
pub use transaction::Transaction;
pub use update::Update;
pub use value::{Item, Value};
pub use write::{Check, Delete, Put, Write};
