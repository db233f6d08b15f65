//! Review types that are almost known ones: `Approval`, `text_input`.

use crate::error::Step;
use crate::json::Json;
use crate::review::Kind;
use crate::review::text::squeezed;
use crate::validation::ValidationErrors;

const KNOWN: [&str; 5] = ["approval", "selection", "form", "text-input", "freeform"];

/// The known type that differs from `given` only in case, `_`, `-` and spaces.
fn meant(given: &str) -> Option<&'static str> {
    if KNOWN.contains(&given) {
        return None;
    }
    KNOWN.into_iter().find(|known| squeezed(known) == squeezed(given))
}

/// The type that a review is stored with. A near miss of a known type becomes that type if the
/// payload has its shape, and stays what it is otherwise; both are warnings and never errors. The
/// payload of an exactly known type must have its shape. `review` is the way to the review.
pub fn settled(given: String, payload: Option<&Json>, review: &[Step], problems: &mut ValidationErrors) -> String {
    let path_to = |name: &str| [review, &[Step::from(name)]].concat();
    let Some(known) = meant(&given) else {
        Kind::parse(&given, payload, path_to("payload"), problems);
        return given;
    };
    let mut found = ValidationErrors::default();
    Kind::parse(known, payload, path_to("payload"), &mut found);
    let Some(problem) = found.first() else {
        problems.warn(path_to("type"), "near_miss", format!("the type {given} was read as {known}"));
        found.take_warnings().into_iter().for_each(|it| problems.warn(it.path, it.code, it.message));
        return known.to_owned();
    };
    let message = format!(
        "the type {given} was treated as freeform: it looks like {known}, but its payload does not fit: {}",
        problem.message
    );
    problems.warn(path_to("type"), "payload_does_not_fit", message);
    given
}
