//! The input of a form's field: attributes with which a browser accepts exactly what the service accepts.
//! `web/scripts/field-validation.js` checks those that begin with `data-`.

use shared::review::Choice;
use shared::review::form::limits::{Moments, Numbers};
use shared::review::form::{Field, FieldType, Limits, SelectOption};
use shared::review::moment::Moment;

use crate::review::number;

type Attributes = Vec<(&'static str, String)>;

/// The attributes of an input in addition to its name, its value and `required`.
pub fn attributes(field: &Field, shows_default: bool) -> Attributes {
    let mut all: Attributes = match field.kind {
        FieldType::Number => vec![("type", "text".to_owned())],
        // Browsers accept fewer addresses than the service does.
        FieldType::Email => vec![("type", "text".to_owned()), ("inputmode", "email".to_owned())],
        FieldType::Datetime => vec![("type", "datetime-local".to_owned())],
        other => vec![("type", other.word().to_owned())],
    };
    match &field.limits {
        Limits::Numbers(numbers) if field.kind == FieldType::Range => all.extend(slider(numbers)),
        Limits::Numbers(numbers) => all.extend(written_number(numbers)),
        Limits::Moments(moments) => all.extend(moment(moments)),
        Limits::None => {}
    }
    if let Some(default) = field.default_moment().filter(|_| shows_default) {
        all.extend(in_zone("data-zoned-value", Some(default)));
    }
    all
}

/// What browsers may fill in: never a password or a name that the person uses on this site.
pub fn autocomplete(field: &Field) -> &'static str {
    if field.kind == FieldType::Password { "new-password" } else { "off" }
}

fn slider(numbers: &Numbers) -> Attributes {
    let bound = |name, bound: Option<f64>| bound.map(|at| (name, at.to_string()));
    let step = numbers.step.map_or("any".to_owned(), |step| step.to_string());
    [bound("min", numbers.min), bound("max", numbers.max), Some(("step", step))].into_iter().flatten().collect()
}

/// A number is typed into a text input, because browsers read numbers in the language of their menus and change them
/// silently. The numeric keyboard has no minus sign on some phones.
fn written_number(numbers: &Numbers) -> Attributes {
    let bound = |name, bound: Option<f64>| bound.map(|at| (name, at.to_string()));
    let keyboard = numbers.min.is_some_and(|min| min >= 0.0).then(|| ("inputmode", "decimal".to_owned()));
    let all = [
        Some(("data-number", String::new())),
        bound("data-min", numbers.min),
        bound("data-max", numbers.max),
        bound("data-step", numbers.step),
        keyboard,
    ];
    all.into_iter().flatten().collect()
}

fn moment(moments: &Moments) -> Attributes {
    let min = moments.min.or(moments.step.map(|step| moments.precision.first_on_grid(step)));
    let max = moments.max.or(moments.precision.last());
    let step = moments.step.map_or("any".to_owned(), |step| match step / moments.precision.step_unit() {
        0 => "any".to_owned(),
        steps => steps.to_string(),
    });
    let mut all: Attributes = [("min", min), ("max", max)]
        .into_iter()
        .filter_map(|(name, bound)| bound.map(|bound| (name, bound.to_input())))
        .collect();
    all.push(("step", step));
    all.extend(in_zone("data-zoned-min", moments.min));
    all.extend(in_zone("data-zoned-max", moments.max));
    all
}

/// A moment with an offset, which a script converts into the person's zone.
fn in_zone(name: &'static str, moment: Option<Moment>) -> Option<(&'static str, String)> {
    let moment = moment.filter(|moment| moment.offset().is_some())?;
    Some((name, format!("{}Z", moment.to_input())))
}

/// The default as the value of the field's input.
pub fn default_value(field: &Field) -> String {
    match field.limits {
        Limits::Numbers(_) if field.kind == FieldType::Range => {
            field.default_number().map(|number| number.to_string()).unwrap_or_default()
        }
        Limits::Numbers(_) => field.default_number().map(number::written).unwrap_or_default(),
        Limits::Moments(_) => field.default_moment().map(Moment::to_input).unwrap_or_default(),
        Limits::None => field.default_text(),
    }
}

/// Whether the input has several lines; a default of several lines needs them, too.
pub fn is_textarea(field: &Field) -> bool {
    let has_lines = || field.default_text().contains(['\n', '\r']);
    field.kind == FieldType::Textarea || field.kind == FieldType::Text && has_lines()
}

/// Whether all options are shown at once.
pub fn shows_all(field: &Field) -> bool {
    field.kind == FieldType::Radio || field.many
}

/// Whether an option with an empty text is among them.
pub fn has_empty_option(options: &[SelectOption]) -> bool {
    options.iter().any(|option| option.text.is_empty())
}

/// The longest label of an option that stands in a row with others, in characters.
const MAX_LABEL_IN_ROW: usize = 20;

/// Whether the buttons of options stand one below the other, at full width: long labels, descriptions or many.
pub fn are_stacked(options: &[Choice]) -> bool {
    let is_long = |option: &Choice| option.description.is_some() || option.label.chars().count() > MAX_LABEL_IN_ROW;
    options.len() > 3 || options.iter().any(is_long)
}
