//! The fields of a form review.
//!
//! - `field`: one field, as it is asked
//! - `limits`: bounds and steps of numbers and moments
//! - `options`: what a select or a radio field offers
//! - `defaults`: whether a default is a value that the field takes

mod defaults;
pub mod field;
pub mod limits;
pub mod options;

pub use field::{Field, FieldType};
pub use limits::Limits;
pub use options::SelectOption;

use crate::review::MAX_OFFERED;
use crate::review::text::is_blank;
use crate::validation::{FromObject, JsonObject};

/// The payload of a form review.
#[derive(Clone, Debug)]
pub struct Form {
    pub fields: Vec<Field>,
    pub submit_label: Option<String>,
    pub dismiss_label: Option<String>,
}

impl FromObject for Form {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let fields = object.require("fields", |o| o.objects::<Field>("fields", MAX_OFFERED));
        let submit_label = object.string("submitLabel").filter(|label| !is_blank(label));
        let dismiss_label = object.string("dismissLabel").filter(|label| !is_blank(label));
        let named = fields.as_deref().unwrap_or_default();
        for (index, field) in named.iter().enumerate() {
            if named[..index].iter().any(|earlier| earlier.name == field.name) {
                object.problem("fields", "repeated", format!("fields has the name {} twice", field.name));
            }
        }
        Some(Self { fields: fields?, submit_label, dismiss_label })
    }
}
