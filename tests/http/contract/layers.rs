//! The layers: only `shared/dynamo` reads and writes the table.

use std::fs;
use std::path::{Path, PathBuf};

/// Who else names the SDK: what makes the clients, and what watches their calls.
const CLIENTS: [&str; 3] = [
    "shared/src/storage/clients.rs",
    "shared/src/telemetry/cost.rs",
    "infra/local/src/event_sources/write_notifier.rs",
];

/// What only an expression of DynamoDB's has.
const EXPRESSIONS: [&str; 4] = ["attribute_exists", "attribute_not_exists", "if_not_exists", "list_append"];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn only_the_table_layer_builds_expressions_and_calls_dynamodb() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let mut files = vec![];
    for part in ["shared/src", "functions", "infra"] {
        sources(&root.join(part), &mut files);
    }
    assert!(files.len() > 100, "the sources are elsewhere");
    let mut calls = vec![];
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
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
