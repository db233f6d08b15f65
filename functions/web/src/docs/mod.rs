//! `GET /api/docs`: the OpenAPI document as a page that can be read, searched and linked to without scripts. It is
//! rendered once per process, when it is first requested.
//!
//! - `schema`: types, constraints and fields as people read them
//! - `example`: values that fit a schema, and calls that can be pasted
//! - `operation`: one operation, its input and its answers

mod example;
mod operation;
mod schema;

use std::sync::LazyLock;

use askama::Template;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use shared::error::Error;

use crate::openapi::{TEXT, cached};
use crate::response::{self, PageError};
use operation::{Operation, methods};
use schema::{Field, Prose, Schemas};

static PAGE: LazyLock<Result<String, String>> = LazyLock::new(|| {
    let document = serde_json::from_str(TEXT).map_err(|err| err.to_string())?;
    DocsPage::of(&document).render().map_err(|err| err.to_string())
});

/// The API as a page
#[utoipa::path(
    get,
    path = "/api/docs",
    tag = "Service",
    operation_id = "getDocs",
    responses((status = 200, body = String, content_type = "text/html"))
)]
pub async fn docs(headers: HeaderMap) -> Result<Response, PageError> {
    let html = PAGE.as_deref().map_err(Error::internal)?;
    Ok(cached(&headers, || response::html(StatusCode::OK, html)))
}

#[derive(Template)]
#[template(path = "docs/page.html")]
struct DocsPage<'a> {
    title: &'a str,
    version: &'a str,
    about: Prose,
    sections: Vec<Section<'a>>,
    models: Vec<Model<'a>>,
}

/// The operations of a tag.
struct Section<'a> {
    name: &'a str,
    anchor: String,
    about: Prose,
    operations: Vec<Operation>,
}

/// A schema that operations refer to by name.
struct Model<'a> {
    name: &'a str,
    about: Prose,
    fields: Vec<Field>,
}

impl<'a> DocsPage<'a> {
    fn of(document: &'a Value) -> Self {
        let schemas = Schemas::of(document);
        let tags = document["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
        Self {
            title: text(&document["info"]["title"]),
            version: text(&document["info"]["version"]),
            about: Prose::of(&document["info"]["description"]),
            sections: tags.iter().map(|tag| Section::of(tag, document, &schemas)).filter(|it| !it.is_empty()).collect(),
            models: schemas.models().map(|(name, schema)| Model::of(name, schema, &schemas)).collect(),
        }
    }
}

impl<'a> Section<'a> {
    fn of(tag: &'a Value, document: &'a Value, schemas: &Schemas<'a>) -> Self {
        let name = text(&tag["name"]);
        let paths = document["paths"].as_object().into_iter().flatten();
        let all = paths.flat_map(|(path, item)| methods(item).map(move |(method, it)| (method, path.as_str(), it)));
        let here = all.filter(|(_, _, operation)| text(&operation["tags"][0]) == name);
        Self {
            name,
            anchor: format!("tag-{}", name.to_lowercase().replace(' ', "-")),
            about: Prose::of(&tag["description"]),
            operations: here.map(|(method, path, it)| Operation::of(method, path, it, document, schemas)).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

impl<'a> Model<'a> {
    fn of(name: &'a str, schema: &Value, schemas: &Schemas<'_>) -> Self {
        Self { name, about: Prose::of(&schema["description"]), fields: schemas.fields(schema) }
    }
}

/// A text of the document; empty when it is not there.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
