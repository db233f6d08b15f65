//! The second step before an act that is of high risk or cannot be undone is allowed: holding the button, or typing the
//! act's name. Holding the button types the name, so the server knows one step.

use shared::review::{Act, Effect, Kind};

use crate::extract::FormFields;
use crate::review::answer::submitted;

/// The longest name that people are asked to type.
const MAX_NAME: usize = 40;

/// What has to be typed: the act's name where a keyboard has it.
pub fn phrase(act: &Act) -> &str {
    let is_typed = act.name.len() <= MAX_NAME && act.name.bytes().all(|it| it.is_ascii_graphic());
    if is_typed { &act.name } else { "approve" }
}

/// What to say when a form allows an act without the second step that it needs.
pub fn missing(kind: &Kind, act: Option<&Act>, typed: &FormFields) -> Option<String> {
    let (act, warning) = act.and_then(|act| Some((act, act.warning()?)))?;
    let Kind::Approval(approval) = kind else { return None };
    let chosen = typed.first("option").unwrap_or_default();
    let allows =
        approval.options.iter().any(|option| submitted(&option.id) == chosen && option.effect() == Effect::Allow);
    let phrase = phrase(act);
    let is_confirmed = typed.first("confirm").is_some_and(|it| it.trim() == phrase);
    (allows && !is_confirmed).then(|| format!("{warning}: type {phrase} to confirm it."))
}
