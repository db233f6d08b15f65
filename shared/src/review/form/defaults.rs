//! Whether a field's default is a value that the field takes: else its form could not be sent
//! as it is shown.

use serde_json::Value;

use crate::review::form::limits::Misfit;
use crate::review::form::options::scalar_text;
use crate::review::form::{Field, Limits, SelectOption};
use crate::review::moment::Moment;
use crate::validation::JsonObject;

/// Notes what is wrong with the field's default.
pub fn check(object: &mut JsonObject<'_>, field: &Field) {
    let Some(value) = &field.default_value else { return };
    if let Err((code, message)) = fits(field, value) {
        object.problem("defaultValue", code, format!("defaultValue {message}"));
    }
}

fn fits(field: &Field, value: &Value) -> Result<(), Misfit> {
    let misfit = |code, message: &str| Err((code, message.to_owned()));
    match &field.limits {
        Limits::Numbers(numbers) => match field.default_number() {
            Some(number) => numbers.check(number),
            None => misfit("not_a_number", "must be a number"),
        },
        Limits::Moments(moments) => match field.default_moment() {
            Some(moment) => moments.check(moment),
            None => {
                let example = moments.precision.example();
                Err(("not_a_moment", format!("must be written like {example} or as an RFC 3339 moment")))
            }
        },
        Limits::None if field.kind.is_choice() => {
            let most = if field.many { field.options.len() } else { 1 };
            let offered = |value: &Value| field.options.iter().any(|option| option.is(value));
            if chosen(value).len() > most || !chosen(value).iter().all(offered) {
                return misfit("not_offered", "must be one of the options");
            }
            Ok(())
        }
        Limits::None if field.kind == super::FieldType::Checkbox => match truth(value) {
            Some(_) => Ok(()),
            None => misfit("not_a_boolean", "must be true or false"),
        },
        Limits::None => match scalar_text(value) {
            Some(_) => Ok(()),
            None => misfit("not_a_string", "must be a string"),
        },
    }
}

fn chosen(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn truth(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| value.as_str()?.parse().ok())
}

impl Field {
    /// The default of a number, which may be written as a text.
    pub fn default_number(&self) -> Option<f64> {
        let value = self.default_value.as_ref()?;
        value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
    }

    /// The default of a date or time field.
    pub fn default_moment(&self) -> Option<Moment> {
        self.kind.precision()?.asked(self.default_value.as_ref()?.as_str()?)
    }

    /// Whether the default selects this option.
    pub fn is_default(&self, option: &SelectOption) -> bool {
        self.default_value.as_ref().is_some_and(|value| chosen(value).iter().any(|value| option.is(value)))
    }

    /// Whether the default checks the box.
    pub fn is_checked_by_default(&self) -> bool {
        self.default_value.as_ref().and_then(truth).unwrap_or_default()
    }

    /// The default of a field that takes a text.
    pub fn default_text(&self) -> String {
        self.default_value.as_ref().and_then(scalar_text).unwrap_or_default()
    }
}
