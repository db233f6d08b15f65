//! The layers: each module of `shared` imports only modules of lower layers, so that no circle of
//! modules can exist, and only `shared/dynamo` reads and writes the table.

use std::collections::{BTreeMap, BTreeSet};

use test_support::sources::{self, code_of, source_files};

/// The modules of `shared/src` from the lowest to the highest. A module imports only modules that
/// stand before it.
const ORDER: [&str; 34] = [
    "random",
    "hex",
    "words",
    "clock",
    "json",
    "search",
    "media_type",
    "charset",
    "invisible",
    "iam", // base
    "error",
    "ids",
    "outbound",
    "mail", // errors, ids, calls to other hosts, e-mails
    "secrets",
    "validation",
    "image", // secrets and input
    "review",
    "models", // the domain
    "limits",
    "caller",
    "telemetry", // callers and what they cost
    "aws",
    "storage", // the table, the bucket and the queue
    "request_log",
    "delivery",
    "webhook",
    "web_push",
    "long_poll",
    "socket_io", // on storage
    "http",
    "config",
    "lambda", // HTTP and the start of a function
    "lib",    // the list of modules
];

/// The files outside the table layer that name the SDK: they create the clients or observe their calls.
const CLIENTS: [&str; 3] =
    ["shared/src/aws/clients.rs", "shared/src/telemetry/cost.rs", "infra/local/src/event_sources/write_notifier.rs"];

/// Function names that occur only in DynamoDB expressions.
const EXPRESSIONS: [&str; 4] = ["attribute_exists", "attribute_not_exists", "if_not_exists", "list_append"];

/// Modules that know HTTP requests and responses. All others work without axum.
const HTTP: [&str; 3] = ["request_log", "http", "lambda"];

/// Every module of `shared/src` with the code of its files, without tests and comments.
fn modules() -> BTreeMap<String, String> {
    let root = sources::root().join("shared/src");
    let mut modules = BTreeMap::<String, String>::new();
    for file in source_files(&root).iter().filter(|file| !file.ends_with("tests.rs")) {
        let first = file.strip_prefix(&root).unwrap().components().next().unwrap();
        let module = first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        modules.entry(module).or_default().push_str(&code_of(file));
    }
    modules
}

/// The modules that code names in paths of its own crate: `crate::a::b`, `crate::{a, b::c}`.
fn imports(code: &str) -> BTreeSet<String> {
    let first_word =
        |path: &str| path.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned();
    let mut found = BTreeSet::new();
    for path in code.split("crate::").skip(1) {
        let Some(group) = path.strip_prefix('{') else {
            found.insert(first_word(path));
            continue;
        };
        let (mut depth, mut start) = (0, 0);
        for (at, character) in group.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    found.insert(first_word(&group[start..at]));
                    start = at + 1;
                    if character == '}' {
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    found
}

fn layer(module: &str) -> usize {
    ORDER.iter().position(|name| *name == module).unwrap_or_else(|| panic!("the module {module} has no layer"))
}

#[test]
fn a_module_imports_only_lower_layers() {
    let modules = modules();
    let mut upward = vec![];
    for (module, code) in &modules {
        for import in imports(code).iter().filter(|import| modules.contains_key(*import) && *import != module) {
            if layer(import) > layer(module) {
                upward.push(format!("{module} imports {import}"));
            }
        }
    }
    assert!(modules.len() > 20, "{:?}", modules.keys());
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn only_http_modules_use_axum() {
    let uses_axum: Vec<_> =
        modules().into_iter().filter(|(_, code)| code.contains("axum::")).map(|(name, _)| name).collect();
    let unexpected: Vec<_> = uses_axum.iter().filter(|name| !HTTP.contains(&name.as_str())).collect();
    assert!(uses_axum.contains(&"http".to_owned()) && unexpected.is_empty(), "{unexpected:?}");
}

#[test]
fn imports_are_found_in_every_form() {
    let code = "use crate::ids::{AgentId, UserId};\nuse crate::{hex, json::{Json, Step}, storage::keys};\ncrate::random::bytes()";
    let expected = ["hex", "ids", "json", "random", "storage"].map(str::to_owned);
    assert_eq!(imports(code), BTreeSet::from(expected));
}

#[test]
fn only_the_table_layer_builds_expressions_and_calls_dynamodb() {
    let root = sources::root();
    let parts = ["shared/src", "functions", "infra"];
    let files: Vec<_> = parts.iter().flat_map(|part| source_files(&root.join(part))).collect();
    assert!(files.len() > 100, "the sources are elsewhere");
    let mut calls = vec![];
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let expression = EXPRESSIONS.iter().find(|it| text.contains(**it));
        assert_eq!(expression, None, "{name} builds an expression");
        if text.contains("aws_sdk_dynamodb::") {
            calls.push(name);
        }
    }
    calls.sort();
    let mut clients = CLIENTS.map(str::to_owned);
    clients.sort();
    assert_eq!(calls, clients, "files that name DynamoDB's SDK");
}
