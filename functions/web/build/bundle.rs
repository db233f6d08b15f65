//! Joins ES modules into one file, so that a page needs one request for all of its scripts.
//!
//! Each module becomes a function that runs once and returns what the module exports, in the order of the
//! imports. The forms that are understood are those that `web/scripts` uses, and the build stops at any other:
//!
//! - `import "./name.js";` and `import { a, b } from "./name.js";`, on one line each
//! - `export const`, `export function` and `export async function`

use std::fs;
use std::path::Path;

use crate::Result;

#[derive(Default)]
struct Bundle {
    code: String,
    /// The modules that are in `code`.
    joined: Vec<String>,
    /// The modules whose imports are being joined: one that is imported again is part of a circle.
    open: Vec<String>,
}

/// The script that runs `entry` of the folder `scripts` and all that it imports.
pub fn join(scripts: &Path, entry: &str) -> Result<String> {
    let mut bundle = Bundle::default();
    bundle.add(scripts, entry)?;
    Ok(bundle.code)
}

impl Bundle {
    fn add(&mut self, scripts: &Path, name: &str) -> Result<()> {
        if self.joined.iter().any(|joined| joined == name) {
            return Ok(());
        }
        if self.open.iter().any(|open| open == name) {
            return Err(format!("{name} imports itself, over {}", self.open.join(", ")).into());
        }
        self.open.push(name.to_owned());
        let source = fs::read_to_string(scripts.join(name)).map_err(|err| format!("{name}: {err}"))?;
        let (mut body, mut exports) = (String::new(), vec![]);
        for line in source.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let line = if let Some(import) = line.strip_prefix("import ") {
                let (names, from) = imported(import).ok_or_else(|| format!("{name}: {line} is not understood"))?;
                self.add(scripts, from)?;
                if names.is_empty() { continue } else { format!("const {names} = {};", variable(from)) }
            } else if let Some(export) = line.strip_prefix("export ") {
                exports.push(exported(export).ok_or_else(|| format!("{name}: {line} is not understood"))?.to_owned());
                export.to_owned()
            } else {
                line.to_owned()
            };
            body.push_str(&line);
            body.push('\n');
        }
        self.open.pop();
        self.joined.push(name.to_owned());
        let (variable, exports) = (variable(name), exports.join(", "));
        self.code += &format!("const {variable} = (() => {{\n{body}return {{ {exports} }};\n}})();\n");
        Ok(())
    }
}

/// What an import names, "" for nothing, and the module that it names it from.
fn imported(import: &str) -> Option<(&str, &str)> {
    let (names, from) = import.split_once("\"./")?;
    let names = match names {
        "" => "",
        names => names.strip_suffix(" from ").filter(|names| names.starts_with('{') && !names.contains(" as "))?,
    };
    Some((names, from.strip_suffix("\";")?))
}

/// The name that is exported.
fn exported(export: &str) -> Option<&str> {
    let forms = ["const ", "function ", "async function "];
    let rest = forms.iter().find_map(|form| export.strip_prefix(form))?;
    rest.split(|letter: char| !letter.is_alphanumeric()).next().filter(|name| !name.is_empty())
}

/// The variable that holds what a module exports.
fn variable(name: &str) -> String {
    format!("${}", name.trim_end_matches(".js").replace('-', "_"))
}
