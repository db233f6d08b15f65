//! `/api/openapi.json` and `/api/docs`: the document matches the code, is complete, and is served.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::Value;
use test_support::{Person, Reply, World, openapi};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document() -> Value {
    serde_json::from_str(&openapi::text()).unwrap()
}

/// Every operation: path, method and description.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |it| (path, it)));
    all.map(|(path, (verb, operation))| (path.as_str(), verb.as_str(), operation)).collect()
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[test]
fn the_written_document_matches_the_code() {
    let written = std::fs::read_to_string(root().join("docs/openapi.json")).unwrap();
    assert!(written == openapi::text(), "docs/openapi.json is out of date: run make openapi");
    assert_eq!(document()["openapi"], "3.1.0");
}

#[test]
fn every_reference_resolves() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = vec![];
    references(&document, &mut found);
    let unresolved: BTreeSet<_> =
        found.iter().filter(|it| document.pointer(it.trim_start_matches('#')).is_none()).collect();
    assert!(!found.is_empty() && unresolved.is_empty(), "{unresolved:?}");
}

#[test]
fn every_operation_is_documented() {
    let document = document();
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    let (mut ids, mut problems) = (BTreeSet::new(), vec![]);
    for (path, verb, operation) in operations(&document) {
        let mut check = |holds: bool, what: &str| {
            if !holds {
                problems.push(format!("{verb} {path}: {what}"));
            }
        };
        let summary = operation["summary"].as_str().unwrap_or_default();
        check(!summary.is_empty() && !summary.ends_with('.'), "a summary without a full stop");
        check(operation["operationId"].as_str().is_some_and(|id| ids.insert(id)), "a unique operationId");
        check(strings(&operation["tags"]).count() == 1, "one tag");
        check(strings(&operation["tags"]).all(|tag| tags.contains(tag)), "a tag of tests/support/src/openapi/tags.rs");
        check(operation["security"].is_array(), "security");
        let parameters = operation["parameters"].as_array();
        let in_path = parameters.into_iter().flatten().filter(|it| it["in"] == "path" && it["required"] == true);
        let described: BTreeSet<&str> = in_path.map(|it| it["name"].as_str().unwrap()).collect();
        let placeholders = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        check(described == placeholders, "the parameters of its path");
        let responses = operation["responses"].as_object().unwrap();
        check(responses.keys().any(|status| status.starts_with(['2', '3'])), "a success");
        for (status, response) in responses {
            let name = response["$ref"].as_str().map(|it| it.trim_start_matches('#'));
            let response = name.map_or(response, |name| document.pointer(name).unwrap());
            let schema = &response["content"]["application/json"]["schema"]["$ref"];
            let refused = status.starts_with(['4', '5']);
            check(!refused || schema == "#/components/schemas/Error", &format!("the error schema of {status}"));
            check(
                !response["description"].as_str().unwrap_or_default().is_empty(),
                &format!("a description of {status}"),
            );
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn every_schema_is_documented() {
    let document = document();
    let error = &document["components"]["schemas"]["Error"];
    assert_eq!(
        strings(&error["required"]).collect::<Vec<_>>(),
        ["statusCode", "code", "message", "path", "timestamp", "requestId"]
    );
    let message = &document["components"]["schemas"]["Message"];
    assert_eq!(message["properties"]["text"]["type"], serde_json::json!(["string", "null"]));
    let fields: BTreeSet<&str> = message["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        strings(&message["required"]).collect::<BTreeSet<_>>(),
        fields,
        "a field of a response is never missing"
    );
}

#[test]
fn each_path_declares_its_credentials() {
    let document = document();
    for (path, verb, operation) in operations(&document) {
        let names: Vec<&str> = operation["security"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|it| it.as_object().unwrap().keys())
            .map(String::as_str)
            .collect();
        let public = [
            "/health",
            "/.well-known/jwks.json",
            "/api/auth/login",
            "/api/auth/logout",
            "/api/openapi.json",
            "/api/docs",
        ];
        let expected: &[&str] = match path {
            path if public.contains(&path) || path.starts_with("/api/share/") => &[],
            path if path.starts_with("/api/v1/") || path == "/mcp" => &["apiKey", "apiKeyHeader"],
            _ => &["session", "sessionCookie"],
        };
        assert_eq!(names, expected, "{verb} {path}");
        let refuses = operation["responses"].get("401").is_some();
        assert_eq!(refuses, !expected.is_empty() || path == "/api/auth/login", "{verb} {path}");
    }
}

#[tokio::test]
async fn the_document_is_public_and_cacheable() {
    let world = World::start().await;
    let visitor = Person::signed_out(&world.url, "", "");
    let reply = visitor.get("/api/openapi.json").await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        (reply.header("content-type"), reply.header("cache-control")),
        ("application/json", "public, max-age=300")
    );
    assert_eq!(reply.text(), openapi::text());
    assert_eq!(reply.cost().calls, 0);
    let tag = reply.header("etag");
    for path in ["/api/openapi.json", "/api/docs"] {
        let again = visitor.request(Method::GET, path).header("If-None-Match", format!("\"old\", W/{tag}"));
        let again = Reply::fetch(again).await;
        assert_eq!((again.status, again.bytes.len(), again.header("etag")), (304, 0, tag), "{path}");
        let other = visitor.request(Method::GET, path).header("If-None-Match", "\"old\"");
        assert_eq!(Reply::fetch(other).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_without_scripts() {
    let world = World::start().await;
    let page = Person::signed_out(&world.url, "", "").get("/api/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'sha256-"));
    assert_eq!(page.cost().calls, 0);
    let html = page.text();
    for foreign in ["<script", "<style", " style=", " onclick=", "src=\"http", "href=\"http"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    let document = document();
    for (path, verb, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(html.contains(&format!("id=\"{id}\"")) && html.contains(&format!("href=\"#{id}\"")), "{verb} {path}");
        assert!(html.contains(&format!("<code>{path}</code>")), "{verb} {path}");
    }
    let ids: BTreeSet<&str> = html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(ids.len(), html.matches(" id=\"").count(), "ids are unique");
    let anchors = html.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
    let unresolved: BTreeSet<&str> = anchors.filter(|anchor| !ids.contains(anchor)).collect();
    assert!(unresolved.is_empty(), "links without a target: {unresolved:?}");
    assert_eq!(Person::signed_out(&world.url, "", "").get("/assets/docs.css").await.status, 200);
}
