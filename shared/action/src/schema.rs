//! Whether arguments satisfy a JSON Schema (2020-12) that an agent sent.
//!
//! The schema is a stranger's program, so its work is bounded before it runs: nothing is fetched,
//! patterns run in linear time, a schema that could check one value more than `MAX_CHECKS` times is
//! refused, and so are arguments with so many values that it could check them more than
//! `MAX_TOTAL_CHECKS` times together.

use std::collections::HashMap;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value};

/// How often a schema may check values along one path of the arguments.
const MAX_CHECKS: u64 = 5_000;
/// How often a schema may check all values of the arguments together: a fraction of a second.
const MAX_TOTAL_CHECKS: u64 = 250_000;
/// How deep the arguments may be nested.
const MAX_DEPTH: usize = 127;
/// How many violations are named.
const MAX_VIOLATIONS: usize = 20;
/// How large a compiled pattern may be, in bytes.
const MAX_PATTERN_SIZE: usize = 1 << 20;

/// Keywords whose schema is applied to the same value.
const IN_PLACE: [&str; 4] = ["not", "if", "then", "else"];
const IN_PLACE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Keywords whose schema is applied to members or elements of the value.
const BELOW: [&str; 7] = [
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];
/// References that depend on the path a validator took, or lead to other documents.
const UNSUPPORTED: [&str; 2] = ["$dynamicRef", "$recursiveRef"];

/// A place of the arguments and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// A JSON Pointer into the arguments.
    pub pointer: String,
    /// A sentence.
    pub message: String,
}

/// A schema that was checked.
pub struct Schema {
    validator: Validator,
    /// How often it checks one value, at most.
    checks: u64,
}

impl Schema {
    /// Checks and compiles a schema. The error is a sentence for the agent that sent it.
    pub fn new(schema: &Value) -> Result<Self, String> {
        if !matches!(schema, Value::Object(_) | Value::Bool(_)) {
            return Err("A JSON Schema is an object or a boolean.".to_owned());
        }
        let checks = Work::new(schema).bounded()?;
        let patterns = PatternOptions::regex().size_limit(MAX_PATTERN_SIZE).dfa_size_limit(MAX_PATTERN_SIZE);
        let options = jsonschema::options().with_draft(Draft::Draft202012).offline().with_pattern_options(patterns);
        let validator = options.build(schema);
        let validator = validator.map_err(|err| format!("{err} (at {}).", place(err.instance_path().as_str())))?;
        Ok(Self { validator, checks })
    }

    /// What of the arguments violates the schema, in its order. The values themselves are not repeated.
    pub fn violations(&self, args: &Value) -> Vec<Violation> {
        if self.checks.saturating_mul(values(args)) > MAX_TOTAL_CHECKS {
            let message = "the schema is too complex for arguments with this many values".to_owned();
            return vec![Violation { pointer: String::new(), message }];
        }
        let errors = self.validator.iter_errors(args).take(MAX_VIOLATIONS);
        let violation = |err: jsonschema::ValidationError<'_>| Violation {
            pointer: err.instance_path().as_str().to_owned(),
            message: shortened(err.masked().to_string()),
        };
        errors.map(violation).collect()
    }
}

/// How many values the arguments have, arrays and objects included.
fn values(args: &Value) -> u64 {
    1 + match args {
        Value::Array(elements) => elements.iter().map(values).sum(),
        Value::Object(members) => members.values().map(values).sum::<u64>(),
        _ => 0,
    }
}

/// A schema's own values, such as a long list of choices, are in the message.
fn shortened(message: String) -> String {
    const MAX_CHARACTERS: usize = 300;
    match message.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    }
}

fn place(pointer: &str) -> &str {
    if pointer.is_empty() { "the top" } else { pointer }
}

/// Counts how often a schema checks a value, at most, for arguments of any shape.
struct Work<'a> {
    root: &'a Value,
    /// The result for a schema object and a depth of arguments below it.
    known: HashMap<(*const Value, usize), u64>,
}

impl<'a> Work<'a> {
    fn new(root: &'a Value) -> Self {
        Self { root, known: HashMap::new() }
    }

    /// The largest number of checks of one value, if it is within the bounds.
    fn bounded(mut self) -> Result<u64, String> {
        // Level by level, so that what is counted below a schema is known already.
        let mut reachable = vec![];
        self.collect(self.root, &mut reachable)?;
        let mut before = vec![];
        for depth in 0..=MAX_DEPTH {
            let checks = reachable.iter().map(|schema| self.checks(schema, depth, &mut vec![]));
            let checks = checks.collect::<Result<Vec<u64>, _>>()?;
            if checks.iter().any(|checks| *checks > MAX_CHECKS) {
                return Err(format!(
                    "The schema is too complex: it could check one value more than {MAX_CHECKS} times."
                ));
            }
            // Deeper arguments are not checked more often.
            if checks == before {
                break;
            }
            before = checks;
        }
        Ok(before.into_iter().max().unwrap_or(1))
    }

    /// All schemas that the root leads to.
    fn collect(&self, schema: &'a Value, found: &mut Vec<&'a Value>) -> Result<(), String> {
        let mut open = vec![schema];
        while let Some(schema) = open.pop() {
            if found.iter().any(|it| std::ptr::eq(*it, schema)) {
                continue;
            }
            found.push(schema);
            let Value::Object(members) = schema else { continue };
            open.extend(self.in_place(members)?);
            open.extend(below(members).into_iter().flatten());
        }
        Ok(())
    }

    /// How often `schema` and all that it applies check one value and, along any one path, the
    /// values below it.
    fn checks(&mut self, schema: &'a Value, depth: usize, path: &mut Vec<*const Value>) -> Result<u64, String> {
        let Value::Object(members) = schema else { return Ok(1) };
        let key = (std::ptr::from_ref(schema), depth);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        if path.contains(&key.0) {
            return Err("The schema refers to itself without an end.".to_owned());
        }
        path.push(key.0);
        let mut sum = 1_u64;
        for schema in self.in_place(members)? {
            sum = sum.saturating_add(self.checks(schema, depth, path)?);
        }
        path.pop();
        if let Some(depth) = depth.checked_sub(1) {
            let mut deepest = 0;
            for group in below(members) {
                let mut together = 0_u64;
                for schema in group {
                    together = together.saturating_add(self.checks(schema, depth, &mut vec![])?);
                }
                deepest = deepest.max(together);
            }
            sum = sum.saturating_add(deepest);
        }
        self.known.insert(key, sum);
        Ok(sum)
    }

    /// The schemas that are applied to the same value.
    fn in_place(&self, members: &'a Map<String, Value>) -> Result<Vec<&'a Value>, String> {
        if let Some(name) = UNSUPPORTED.iter().find(|name| members.contains_key(**name)) {
            return Err(format!("{name} is not supported: use $ref."));
        }
        let mut found: Vec<&Value> = IN_PLACE.iter().filter_map(|name| members.get(*name)).collect();
        found.extend(IN_PLACE_LISTS.iter().filter_map(|name| members.get(*name)?.as_array()).flatten());
        found.extend(members.get("dependentSchemas").and_then(Value::as_object).into_iter().flat_map(Map::values));
        if let Some(reference) = members.get("$ref") {
            let reference = reference.as_str().unwrap_or_default();
            let target = reference.strip_prefix('#').and_then(|fragment| self.resolve(fragment));
            found.push(target.ok_or_else(|| {
                format!("$ref {reference:?} leads nowhere in this schema: other documents are never fetched.")
            })?);
        }
        Ok(found)
    }

    /// The schema that a fragment names: a JSON Pointer, or an `$anchor`.
    fn resolve(&self, fragment: &str) -> Option<&'a Value> {
        let fragment = percent_decode(fragment)?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return self.root.pointer(&fragment);
        }
        let mut open = vec![self.root];
        while let Some(value) = open.pop() {
            match value {
                Value::Object(members) => {
                    if members.get("$anchor").and_then(Value::as_str) == Some(&fragment) {
                        return Some(value);
                    }
                    open.extend(members.values());
                }
                Value::Array(elements) => open.extend(elements),
                _ => {}
            }
        }
        None
    }
}

/// The schemas that are applied below a value, in groups: those of one group may all meet the same
/// member or element.
fn below<'a>(members: &'a Map<String, Value>) -> Vec<Vec<&'a Value>> {
    let everywhere = BELOW
        .iter()
        .filter_map(|name| members.get(*name))
        .chain(members.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::values));
    let everywhere: Vec<&Value> = everywhere.collect();
    let with = |schema: &'a Value| everywhere.iter().copied().chain([schema]).collect();
    let properties = members.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::values);
    let elements = members.get("prefixItems").and_then(Value::as_array).into_iter().flatten();
    let groups: Vec<Vec<&Value>> = properties.chain(elements).map(with).collect();
    if groups.is_empty() { vec![everywhere] } else { groups }
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = vec![];
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |byte: u8| char::from(byte).to_digit(16);
        match byte {
            b'%' => bytes.push(u8::try_from(hex(rest.next()?)? * 16 + hex(rest.next()?)?).ok()?),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
