//! What a number or a moment may be. Steps count from `min`, else from 0, 1970 or midnight.

use serde_json::Value;

use crate::review::form::FieldType;
use crate::review::moment::{Moment, Precision};
use crate::validation::JsonObject;

/// Why a value does not fit: a code and the end of a sentence.
pub type Misfit = (&'static str, String);

/// The bounds of a field.
#[derive(Clone, Copy, Debug)]
pub enum Limits {
    /// Only for numbers and moments.
    None,
    Numbers(Numbers),
    Moments(Moments),
}

/// The bounds of a number field.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub step: Option<f64>,
}

/// The bounds of a date or time field.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    pub precision: Precision,
    pub min: Option<Moment>,
    pub max: Option<Moment>,
    /// In milliseconds.
    pub step: Option<i128>,
}

impl Numbers {
    /// Whether a number lies within the bounds and on the step.
    pub fn check(&self, number: f64) -> Result<(), Misfit> {
        if let Some(min) = self.min.filter(|min| number < *min) {
            return Err(("out_of_range", format!("must be at least {min}")));
        }
        if let Some(max) = self.max.filter(|max| number > *max) {
            return Err(("out_of_range", format!("may be at most {max}")));
        }
        let Some(step) = self.step else { return Ok(()) };
        let base = self.min.unwrap_or(0.0);
        let steps = (number - base) / step;
        // The pages' script reckons the same, operation by operation.
        let noise = f64::max(1e-6, steps.abs() * 1e-15);
        if (steps - steps.round()).abs() <= noise || !steps.is_finite() {
            return Ok(());
        }
        let [below, above] = [steps.floor(), steps.ceil()].map(|steps| plain(base + steps * step));
        Err(("out_of_step", format!("must lie on a step of {step}: the nearest are {below} and {above}")))
    }
}

/// Without the noise of binary fractions.
fn plain(number: f64) -> f64 {
    format!("{number:.10}").parse().unwrap_or(number)
}

impl Moments {
    /// Whether a moment lies within the bounds and on the step.
    pub fn check(&self, moment: Moment) -> Result<(), Misfit> {
        let before = self.min.filter(|min| moment.compare(*min).is_lt());
        let after = self.max.filter(|max| moment.compare(*max).is_gt());
        match (before, after) {
            // A time between 22:00 and 06:00 is after the one or before the other.
            (Some(_), None) | (None, Some(_)) if self.is_overnight() => {}
            (Some(min), Some(max)) if self.is_overnight() => {
                let (min, max) = (min.to_input(), max.to_input());
                return Err(("out_of_range", format!("must be between {min} and {max} of the next day")));
            }
            (Some(min), _) => return Err(("out_of_range", format!("must not be before {}", said(min)))),
            (_, Some(max)) => return Err(("out_of_range", format!("must not be after {}", said(max)))),
            (None, None) => {}
        }
        let Some(step) = self.step else { return Ok(()) };
        if moment.millis_since(self.min).rem_euclid(step) == 0 {
            return Ok(());
        }
        let from = self.min.map_or("the start".to_owned(), said);
        let (steps, unit) = match self.precision {
            Precision::Date => (step / self.precision.step_unit(), "days"),
            _ => (step / 1000, "seconds"),
        };
        Err(("out_of_step", format!("must lie on a step of {steps} {unit} from {from}")))
    }

    /// Whether a time range spans midnight: `min` is after `max`.
    pub fn is_overnight(&self) -> bool {
        let reversed = self.min.zip(self.max).is_some_and(|(min, max)| min.compare(max).is_gt());
        self.precision == Precision::Time && reversed
    }
}

fn said(moment: Moment) -> String {
    let zone = if moment.offset().is_some() { " UTC" } else { "" };
    moment.to_input() + zone
}

impl Limits {
    /// Reads `min`, `max` and `step`. What cannot be kept by any answer is a problem.
    pub fn member(object: &mut JsonObject<'_>, kind: FieldType) -> Self {
        match kind.precision() {
            _ if kind.is_number() => Self::Numbers(Numbers::member(object, kind)),
            Some(precision) => Self::Moments(Moments::member(object, precision)),
            None => {
                let fits = |value: Value| value.is_number() || value.is_string();
                for name in ["min", "max"] {
                    if !object.value(name).is_none_or(fits) {
                        let message = format!("{name} must be a number, or a string for dates and times");
                        object.problem(name, "not_a_bound", message);
                    }
                }
                Self::None
            }
        }
    }
}

impl Numbers {
    fn member(object: &mut JsonObject<'_>, kind: FieldType) -> Self {
        let [mut min, mut max] = ["min", "max"].map(|name| number(object, name, "not_a_bound"));
        let step = step(object);
        if kind == FieldType::Range {
            // A slider has two ends; these are HTML's.
            (min, max) = (min.or(Some(0.0)), max.or(Some(100.0)));
        }
        if let Some((min, max)) = min.zip(max).filter(|(min, max)| min > max) {
            let implied = if object.has("max") { "" } else { " (which it is when it is not given)" };
            let message = format!("max must not be less than min: {max}{implied} is less than {min}");
            object.problem("max", "out_of_range", message);
        }
        Self { min, max, step }
    }
}

fn number(object: &mut JsonObject<'_>, name: &str, code: &'static str) -> Option<f64> {
    let value = given(object, name)?;
    if value.as_f64().is_none() {
        object.problem(name, code, format!("{name} must be a number"));
    }
    value.as_f64()
}

/// A member that says something; an empty text is what form builders send for nothing.
pub fn given(object: &JsonObject<'_>, name: &str) -> Option<Value> {
    object.value(name).filter(|value| value.as_str() != Some(""))
}

/// `any` is HTML's word for none.
fn step(object: &mut JsonObject<'_>) -> Option<f64> {
    if object.value("step").is_some_and(|value| value == "any") {
        return None;
    }
    let step = number(object, "step", "not_a_number")?;
    if step <= 0.0 {
        object.problem("step", "out_of_range", "step must be more than 0");
        return None;
    }
    Some(step)
}

impl Moments {
    fn member(object: &mut JsonObject<'_>, precision: Precision) -> Self {
        let [min, max] = ["min", "max"].map(|name| bound(object, name, precision));
        let step = step(object).and_then(|step| {
            let unit = precision.step_unit();
            let whole = step.fract() == 0.0 && step <= 1e9;
            if !whole {
                let of = if precision == Precision::Date { "days" } else { "seconds" };
                object.problem("step", "not_an_integer", format!("step must be a whole number of {of}"));
            }
            whole.then_some(step as i128 * unit)
        });
        let limits = Self { precision, min, max, step };
        let comparable = min.zip(max).filter(|(min, max)| min.offset().is_some() == max.offset().is_some());
        if !limits.is_overnight() && comparable.is_some_and(|(min, max)| min.compare(max).is_gt()) {
            object.problem("max", "out_of_range", "max must not be before min");
        }
        limits
    }
}

fn bound(object: &mut JsonObject<'_>, name: &str, precision: Precision) -> Option<Moment> {
    let value = given(object, name)?;
    let Some(text) = value.as_str() else {
        object.problem(name, "not_a_bound", format!("{name} must be a string like {}", precision.example()));
        return None;
    };
    let moment = precision.asked(text);
    if moment.is_none() {
        let message = format!("{name} must be written like {} or as an RFC 3339 moment", precision.example());
        object.problem(name, "not_a_moment", message);
    }
    moment
}
