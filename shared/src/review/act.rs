//! The act that an approval is about: what will be done once it is approved, and which of its arguments
//! the answer may change.

use action::edits::{self, is_pointer};
use action::exact::{self, FaultKind};
use action::schema::{Schema, Violation};
use action::{digest, edits::changes};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::error::{Error, Step};
use crate::json::Json;
use crate::review::Kind;
use crate::validation::{FromObject, JsonObject, ValidationErrors, parse_at};
use crate::words::words;

/// The limit of an act, and of the arguments that replace its own, in bytes.
pub const MAX_ACT: usize = 32 * 1024;
const MAX_NAME: usize = 128;
const MAX_TARGET: usize = 256;
const MAX_SUMMARY: usize = 500;
const MAX_EDITABLE: usize = 500;

/// What choosing an option does to the act of its review
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    Allow,
    Deny,
}

words!(Effect { "allow" => Allow, "deny" => Deny });

/// How much harm an act can do
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    Low,
    Medium,
    High,
}

words!(Risk { "low" => Low, "medium" => Medium, "high" => High });

impl Risk {
    /// As pages and messages name it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Low => "Low risk",
            Self::Medium => "Medium risk",
            Self::High => "High risk",
        }
    }
}

/// What is to be done, as the agent that asks describes it
#[derive(Clone, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Act {
    /// The name of the tool or function.
    #[schema(min_length = 1, max_length = 128, example = "transfer")]
    pub name: String,
    /// Its arguments, nested at most 110 levels deep. Names are unique, and each number is one that a
    /// double holds.
    #[schema(example = json!({ "amount": 82000, "to": "Ada" }))]
    pub args: Json,
    /// What it is done to.
    #[schema(max_length = 256, example = "account 7")]
    pub target: Option<String>,
    /// What it means, in the agent's words.
    #[schema(max_length = 500)]
    pub summary: Option<String>,
    pub risk: Option<Risk>,
    /// Whether it can be undone. One that cannot needs the second step of high risk.
    pub reversible: Option<bool>,
    /// JSON Pointers into `args`: the answer may change what is at or below one of them. A pointer may name
    /// what is absent; adding it is an edit. The empty pointer stands for all arguments.
    #[schema(value_type = Option<Vec<String>>, max_items = 500, example = json!(["/amount"]))]
    pub editable: Vec<String>,
    /// A JSON Schema (2020-12) that the arguments satisfy, before and after they are edited. References to
    /// other documents are never fetched.
    #[schema(example = json!({ "properties": { "amount": { "type": "number", "maximum": 100000 } } }))]
    pub args_schema: Option<Json>,
}

impl FromObject for Act {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let name = object.require("name", |o| o.id("name", MAX_NAME));
        let args = object.require("args", |o| o.json_object("args"));
        let target = object.short_string("target", MAX_TARGET);
        let summary = object.short_string("summary", MAX_SUMMARY);
        let risk = object.one_of("risk", &Risk::WORDS);
        let reversible = object.boolean("reversible");
        let editable = object.strings("editable", MAX_EDITABLE).unwrap_or_default();
        for (index, _) in editable.iter().enumerate().filter(|(_, pointer)| !is_pointer(pointer)) {
            let mut path = object.path_to("editable");
            path.push(index.into());
            object.problems().add(path, "not_a_pointer", "must be a JSON Pointer into args, such as /amount");
        }
        let args_schema = match object.value("argsSchema") {
            Some(boolean @ Value::Bool(_)) => Json::of(&boolean).ok(),
            _ => object.json_object("argsSchema"),
        };
        Some(Self { name: name?, args: args?, target, summary, risk, reversible, editable, args_schema })
    }
}

impl Act {
    /// Reads the act of a new review; `path` is the way to it.
    pub fn parse(json: &Json, path: Vec<Step>, problems: &mut ValidationErrors) -> Option<Self> {
        let is_clear = check_exact(json, &path, "/args", problems);
        let act = parse_at::<Self>(json, path, problems);
        act.filter(|_| is_clear)
    }

    /// Reads an act that was accepted before.
    pub fn from_stored(json: &Json) -> Option<Self> {
        parse_at(json, vec![], &mut ValidationErrors::default())
    }

    /// Whether it is of high risk or cannot be undone. Pages allow it by a second step, other surfaces not at all.
    pub fn is_high_risk(&self) -> bool {
        self.risk == Some(Risk::High) || self.reversible == Some(false)
    }

    /// Why it takes a second step, as the agent declared it: "High risk", "Low risk, cannot be undone".
    pub fn warning(&self) -> Option<String> {
        self.is_high_risk().then(|| match (self.risk, self.reversible) {
            (Some(risk), Some(false)) => format!("{}, cannot be undone", risk.label()),
            (Some(risk), _) => risk.label().to_owned(),
            (None, _) => "Cannot be undone".to_owned(),
        })
    }

    /// The risk that decides how people are notified of a request with this act: medium without an act and if the agent
    /// declared none, high if the act cannot be undone or read.
    pub fn notified_risk(stored: Option<&Json>) -> Risk {
        let Some(stored) = stored else { return Risk::Medium };
        match Self::from_stored(stored) {
            Some(act) if !act.is_high_risk() => act.risk.unwrap_or(Risk::Medium),
            _ => Risk::High,
        }
    }

    /// The digest of this act with these arguments.
    pub fn digest_with(&self, args: &Json) -> String {
        digest::digest(&self.name, &args.value())
    }

    /// The digest of the act as it was asked.
    pub fn digest(&self) -> String {
        self.digest_with(&self.args)
    }

    /// Whether these are the arguments that were asked, whatever the order of their members.
    pub fn is_as_asked(&self, args: &Json) -> bool {
        let is_exact = check_exact(args, &[], "", &mut ValidationErrors::default());
        is_exact && changes(&self.args.value(), &args.value()).is_empty()
    }

    /// Checks that the arguments satisfy the schema. `path` is the way to the act.
    ///
    /// This runs what the agent sent as a schema, so callers are authenticated first.
    pub fn check_args(&self, path: &[Step]) -> Result<(), Error> {
        let mut problems = ValidationErrors::default();
        let Some(schema) = &self.args_schema else { return Ok(()) };
        match Schema::new(&schema.value()) {
            Ok(schema) => {
                let path = [path, &["args".into()]].concat();
                add_violations(&path, schema.violations(&self.args.value()), &mut problems);
            }
            Err(sentence) => problems.add([path, &["argsSchema".into()]].concat(), "not_a_schema", sentence),
        }
        problems.finish(Some(()))
    }

    /// Checks that the answer may do the act with `edited` in the place of its arguments.
    pub fn check_edits(&self, edited: &Json, problems: &mut ValidationErrors) {
        let path = ["response".into(), "editedArgs".into()];
        let (before, after) = (self.args.value(), edited.value());
        let at = |pointer: &str| [&path[..], &steps(pointer)].concat();
        let changes = changes(&before, &after);
        if changes.is_cut {
            return problems.add(
                path.into(),
                "too_many_changes",
                "the names of what editedArgs changes have over 32 KiB",
            );
        }
        if let Some(pointer) = edits::first_forbidden(&changes.places, &self.editable) {
            let message = format!("editedArgs changes {}, which is not editable", shown(pointer));
            return problems.add(at(pointer), "not_editable", message);
        }
        if let Some(pointer) = edits::first_retyped(&before, &after) {
            let message = format!("editedArgs changes the type of {}", shown(&pointer));
            return problems.add(at(&pointer), "type_changed", message);
        }
        let Some(schema) = self.args_schema.as_ref().filter(|_| !changes.is_empty()) else { return };
        match Schema::new(&schema.value()) {
            Ok(schema) => add_violations(&path, schema.violations(&after), problems),
            // It was accepted with the act: without it nothing that differs is accepted.
            Err(sentence) => problems.add(path.into(), "not_a_schema", sentence),
        }
    }
}

/// Whether every reader of an object reads the same: names are unique, numbers below the pointer `args`
/// are exact, and nothing is nested too deep.
pub fn check_exact(json: &Json, path: &[Step], args: &str, problems: &mut ValidationErrors) -> bool {
    // The object itself, and the arguments in it.
    if exact::depth(json.as_str()) > exact::MAX_DEPTH + 1 {
        let message = format!("may be nested at most {} levels deep", exact::MAX_DEPTH);
        problems.add(path.to_vec(), "too_deep", message);
        return false;
    }
    let mut is_clear = true;
    for fault in exact::faults(json.as_raw()) {
        let (code, message) = match fault.kind {
            FaultKind::DuplicateName => ("duplicate_name", "this name is there twice"),
            FaultKind::NumberNotExact if is_below(&fault.pointer, args) => {
                ("number_not_exact", "no double holds this number exactly: send it as a string")
            }
            FaultKind::NumberNotExact => continue,
        };
        problems.add([path, &steps(&fault.pointer)].concat(), code, message);
        is_clear = false;
    }
    is_clear
}

/// Checks the effects of an approval's options; `payload` is the way to its payload.
pub fn check_effects(payload: Option<&Json>, path: &[Step], problems: &mut ValidationErrors) {
    let given = payload.map(Json::value).unwrap_or_default();
    for (index, option) in given["options"].as_array().into_iter().flatten().enumerate() {
        let effect = &option["effect"];
        if !effect.is_null() && !Effect::WORDS.iter().any(|(word, _)| effect == word) {
            let path = [path, &["options".into(), index.into(), "effect".into()]].concat();
            problems.add(path, "not_offered", "effect must be one of allow, deny");
        }
    }
    // What else is wrong with the payload is reported where payloads are read.
    let Kind::Approval(approval) = Kind::from_stored("approval", payload) else { return };
    if approval.options.iter().all(|option| option.effect() == Effect::Deny) {
        let message = "one of the options must allow the action: give it the effect allow";
        problems.add([path, &["options".into()]].concat(), "no_allowing_option", message);
    }
}

/// Whether a pointer is at or below another one.
fn is_below(pointer: &str, place: &str) -> bool {
    pointer.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn add_violations(path: &[Step], violations: Vec<Violation>, problems: &mut ValidationErrors) {
    for Violation { pointer, message } in violations {
        let message = format!("{}: {message}", shown(&pointer));
        problems.add([path, &steps(&pointer)].concat(), "schema_violation", message);
    }
}

/// A pointer in a sentence.
fn shown(pointer: &str) -> &str {
    if pointer.is_empty() { "the arguments as a whole" } else { pointer }
}

/// The steps of a JSON Pointer.
fn steps(pointer: &str) -> Vec<Step> {
    let step = |token: &str| match token.parse::<usize>() {
        Ok(index) if index.to_string() == token => Step::Index(index),
        _ => Step::Name(token.replace("~1", "/").replace("~0", "~")),
    };
    pointer.split('/').skip(1).map(step).collect()
}
