//! The OpenAPI document: the documents of all route groups, with the credentials, errors and headers that
//! operations share. `make openapi` writes it to `docs/openapi.json`.

mod refusals;
mod security;
mod shapes;
mod tags;

use std::collections::HashSet;

use utoipa::OpenApi as _;
use utoipa::PartialSchema;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::info::LicenseBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem, Paths};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, RefOr, Required, Schema};

/// Facts about the whole document that the completion of one operation needs.
struct Operations {
    /// The names of body schemas with a channel id.
    schemas_with_channel: HashSet<String>,
}

/// Builds the whole document.
pub fn document() -> OpenApi {
    let mut document = OpenApi::new(info().build(), Paths::new());
    for group in groups() {
        document.merge(group);
    }
    document.tags = Some(tags::all());
    let components = document.components.get_or_insert_with(Components::default);
    refusals::declare(components);
    security::declare(components);
    let all = Operations { schemas_with_channel: schemas_with_channel(components) };
    shapes::require_nullable(&document.paths, components);
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations_of(item) {
            all.complete(method, path, operation);
        }
    }
    document
}

/// The text of `docs/openapi.json`.
pub fn text() -> String {
    document().to_pretty_json().expect("a document is JSON") + "\n"
}

fn groups() -> Vec<OpenApi> {
    vec![
        messages::Docs::openapi(),
        reviews::Docs::openapi(),
        files::Docs::openapi(),
        agents::Docs::openapi(),
        inbox::Docs::openapi(),
        accounts::Docs::openapi(),
        plugins::Docs::openapi(),
        mcp::Docs::openapi(),
        web::Docs::openapi(),
    ]
}

fn info() -> InfoBuilder {
    let description = "Agents send messages, files and questions; people answer them. JSON in camelCase, times in \
        RFC 3339 UTC, opaque ids; unknown request fields are ignored, and absent response fields are `null`.\n\n\
        Agents call `/api/v1` with an API key, people `/api` with a session. Every error has the same body, \
        `Error`; its `code` is stable.";
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    InfoBuilder::new()
        .title("placet-serverless")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .license(Some(license))
}

/// The operations of a path with their methods, in the order of the document.
fn operations_of(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, post, put, patch, delete, .. } = item;
    let all = [("GET", get), ("POST", post), ("PUT", put), ("PATCH", patch), ("DELETE", delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

impl Operations {
    fn complete(&self, method: &str, path: &str, operation: &mut Operation) {
        operation.security = Some(security::requirements(path));
        if refusals::is_idempotent(method, path) {
            add_idempotency_key(operation);
        }
        for (status, response) in &mut operation.responses.responses {
            if let RefOr::T(response) = response {
                response.headers.insert("x-request-id".to_owned(), request_id());
                if response.description.is_empty() {
                    response.description = if status == "201" { "Created" } else { "OK" }.to_owned();
                }
            }
        }
        let facts = refusals::OperationFacts {
            method,
            path,
            has_channel_parameter: self.has_channel_parameter(operation),
            has_input: operation.parameters.as_ref().is_some_and(|all| !all.is_empty()),
            has_body: operation.request_body.is_some(),
        };
        refusals::add(&facts, operation);
    }

    /// Whether the caller names a channel, in the query or in the body.
    fn has_channel_parameter(&self, operation: &Operation) -> bool {
        let in_query = operation.parameters.iter().flatten().any(|parameter| parameter.name == "channel");
        let contents = operation.request_body.iter().flat_map(|body| body.content.values());
        let in_body = contents.filter_map(|content| content.schema.as_ref()).any(|schema| match schema {
            RefOr::Ref(it) => self.schemas_with_channel.contains(schema_name(&it.ref_location)),
            RefOr::T(schema) => has_channel(schema),
        });
        in_query || in_body
    }
}

fn schemas_with_channel(components: &Components) -> HashSet<String> {
    let named = |(name, schema): (&String, &RefOr<Schema>)| match schema {
        RefOr::T(schema) if has_channel(schema) => Some(name.clone()),
        _ => None,
    };
    components.schemas.iter().filter_map(named).collect()
}

fn has_channel(schema: &Schema) -> bool {
    matches!(schema, Schema::Object(object) if object.properties.contains_key("channelId"))
}

/// The schema name at the end of a reference.
fn schema_name(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

fn add_idempotency_key(operation: &mut Operation) {
    const NAME: &str = "Idempotency-Key";
    let all = operation.parameters.get_or_insert_default();
    if !all.iter().any(|parameter| parameter.name.eq_ignore_ascii_case(NAME)) {
        let what = "Makes the call safe to repeat. `clientId` in the body does the same and takes precedence. A repeat \
            returns the existing message; a repeat with a different body is refused";
        let schema = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        let schema = schema.min_length(Some(1)).max_length(Some(256)).examples(["deploy-42"]).build();
        let parameter = ParameterBuilder::new().name(NAME).parameter_in(ParameterIn::Header);
        all.push(parameter.required(Required::False).description(Some(what)).schema(Some(schema)).build());
    }
}

fn request_id() -> Header {
    HeaderBuilder::new().schema(String::schema()).description(Some("Identifies the call in the logs")).build()
}
