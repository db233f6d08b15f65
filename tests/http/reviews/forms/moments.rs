//! Random dates and times: an answer is accepted exactly when it is within its bounds.

use serde_json::{Value, json};
use shared::clock::Timestamp;
use shared::json::Json;
use shared::review::{Kind, answer, secret};
use shared::validation::ValidationErrors;
use test_support::rng;

/// Random cases per test.
const ROUNDS: usize = 400;

/// Whether a form of one field accepts the answer; `None` when the form itself is refused.
fn is_accepted(field: Value, value: &str) -> Option<bool> {
    let payload = Json::of(&json!({ "fields": [field] })).expect("JSON");
    let mut problems = ValidationErrors::default();
    let kind = Kind::parse("form", Some(&payload), vec![], &mut problems)?;
    if problems.first().is_some() {
        return None;
    }
    Some(answer::checked(&kind, None, Json::of(&json!({ "n": value })).expect("JSON")).is_ok())
}

struct Moment {
    instant: i64,
    text: String,
}

/// A random moment within four days, written with a random offset.
fn random_moment(random: &mut fastrand::Rng) -> Moment {
    let minutes = random.usize(..4 * 24 * 60) as i64;
    let instant = 1_790_000_040_000 + minutes * 60_000;
    let offset = (random.usize(..113) as i64 - 56) * 15;
    let wall = Timestamp::from_millis(instant + offset * 60_000).to_string();
    let wall = wall.trim_end_matches('Z');
    let (sign, size) = (if offset < 0 { '-' } else { '+' }, offset.abs());
    let zone = if offset == 0 { "Z".to_owned() } else { format!("{sign}{:02}:{:02}", size / 60, size % 60) };
    let short = wall.trim_end_matches(".000");
    Moment { instant, text: format!("{}{zone}", if random.bool() { wall } else { short }) }
}

#[test]
fn a_datetime_is_accepted_when_its_instant_is_within_bounds() {
    let mut random = rng::from_env();
    for _ in 0..ROUNDS {
        let [min, max, given] = [(); 3].map(|()| random_moment(&mut random));
        let field = json!({ "name": "n", "type": "datetime", "min": min.text, "max": max.text });
        let expected = (min.instant <= max.instant).then(|| (min.instant..=max.instant).contains(&given.instant));
        assert_eq!(is_accepted(field, &given.text), expected, "{} in {} to {}", given.text, min.text, max.text);
    }
}

#[test]
fn a_time_is_accepted_when_it_is_within_bounds_of_a_day_or_a_night() {
    let mut random = rng::from_env();
    let time = |seconds: usize, long: bool| {
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if second == 0 && !long {
            format!("{hour:02}:{minute:02}")
        } else {
            format!("{hour:02}:{minute:02}:{second:02}")
        }
    };
    for _ in 0..ROUNDS {
        let [min, max, given] =
            [(); 3].map(|()| random.usize(..1440) * 60 + if random.usize(..3) == 0 { random.usize(..60) } else { 0 });
        let [of_min, of_max, of_given] = [min, max, given].map(|at| time(at, random.bool()));
        let field = json!({ "name": "n", "type": "time", "min": of_min, "max": of_max });
        let within = if min <= max { (min..=max).contains(&given) } else { given >= min || given <= max };
        assert_eq!(is_accepted(field, &of_given), Some(within), "{of_given} in {of_min} to {of_max}");
    }
}

#[test]
fn a_default_is_accepted_exactly_when_the_same_answer_is() {
    let mut random = rng::from_env();
    for _ in 0..ROUNDS {
        let [min, max, default] = [(); 3].map(|()| random_moment(&mut random));
        let kind = *random.choice(&["date", "time", "datetime"]).unwrap();
        let plain =
            json!({ "name": "n", "type": kind, "min": min.text, "max": max.text, "step": 1 + random.usize(..3) });
        let mut with_default = plain.clone();
        with_default["defaultValue"] = json!(default.text);
        let answer = match kind {
            "date" => &default.text[..10],
            "time" => &default.text[11..16],
            _ => default.text.as_str(),
        };
        let expected = is_accepted(plain.clone(), answer).map(|taken| if taken { Some(true) } else { None });
        assert_eq!(is_accepted(with_default, answer), expected.flatten(), "{default} {plain}", default = default.text);
    }
}

#[test]
fn a_form_accepted_by_an_earlier_version_is_still_read() {
    let fields = json!([
        { "name": "pin", "type": "password", "label": "" },
        { "name": "_dismissed", "type": "number", "min": 5, "max": 1, "step": 0, "defaultValue": "x" },
        { "name": "day", "type": "date", "min": "tomorrow", "defaultValue": 7 },
        { "name": "s", "type": "select", "options": ["a", "a"], "defaultValue": "b" },
    ]);
    let payload = Json::of(&json!({ "fields": fields })).expect("JSON");
    let Kind::Form(form) = Kind::from_stored("form", Some(&payload)) else { panic!("it is a form") };
    assert_eq!(form.fields.len(), 4);
    assert_eq!(secret::password_fields(Some(&payload)), ["pin"], "the password field is still recognised");
}
