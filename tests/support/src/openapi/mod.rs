//! The OpenAPI document: what every route group says of its routes, put together, with what all
//! operations share added: credentials, refusals, headers. `make openapi` writes it to
//! `docs/openapi.json`.

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

/// What one operation's completion needs to know of the whole.
struct Operations {
    /// The schemas of bodies that name a channel.
    naming_a_channel: HashSet<String>,
}

/// The whole document.
pub fn document() -> OpenApi {
    let mut document = OpenApi::new(info().build(), Paths::new());
    for group in groups() {
        document.merge(group);
    }
    document.tags = Some(tags::all());
    let components = document.components.get_or_insert_with(Components::default);
    refusals::declare(components);
    security::declare(components);
    let all = Operations { naming_a_channel: naming_a_channel(components) };
    shapes::require_nullable(&document.paths, components);
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations_of(item) {
            all.complete(method, path, operation);
        }
    }
    document
}

/// The document as it is kept in `docs/openapi.json`.
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
        web::Docs::openapi(),
    ]
}

fn info() -> InfoBuilder {
    let description = "Agents send messages, files and questions; people answer them. JSON in camelCase, times in \
        RFC 3339 UTC, opaque ids; unknown request fields are ignored, and absent response fields are `null`.\n\n\
        Agents call `/api/v1` with an API key, people `/api` with a session. Every refusal has the same body, \
        `Error`; its `code` is stable.";
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    InfoBuilder::new()
        .title("placet-serverless")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .license(Some(license))
}

/// The operations of a path with their methods, in the order in which they are read.
fn operations_of(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, post, put, patch, delete, .. } = item;
    let all = [("GET", get), ("POST", post), ("PUT", put), ("PATCH", patch), ("DELETE", delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

impl Operations {
    fn complete(&self, method: &str, path: &str, operation: &mut Operation) {
        operation.security = Some(security::of(path));
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
        let facts = refusals::Facts {
            method,
            path,
            names_a_channel: self.names_a_channel(operation),
            has_input: operation.parameters.as_ref().is_some_and(|all| !all.is_empty()),
            has_body: operation.request_body.is_some(),
        };
        refusals::add(&facts, operation);
    }

    /// Whether the caller says in which channel: in the query, or in the body.
    fn names_a_channel(&self, operation: &Operation) -> bool {
        let in_query = operation.parameters.iter().flatten().any(|parameter| parameter.name == "channel");
        let contents = operation.request_body.iter().flat_map(|body| body.content.values());
        let in_body = contents.filter_map(|content| content.schema.as_ref()).any(|schema| match schema {
            RefOr::Ref(it) => self.naming_a_channel.contains(last(&it.ref_location)),
            RefOr::T(schema) => has_channel(schema),
        });
        in_query || in_body
    }
}

fn naming_a_channel(components: &Components) -> HashSet<String> {
    let named = |(name, schema): (&String, &RefOr<Schema>)| match schema {
        RefOr::T(schema) if has_channel(schema) => Some(name.clone()),
        _ => None,
    };
    components.schemas.iter().filter_map(named).collect()
}

fn has_channel(schema: &Schema) -> bool {
    matches!(schema, Schema::Object(object) if object.properties.contains_key("channelId"))
}

/// The name at the end of a reference.
fn last(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

fn add_idempotency_key(operation: &mut Operation) {
    const NAME: &str = "Idempotency-Key";
    let all = operation.parameters.get_or_insert_default();
    if !all.iter().any(|parameter| parameter.name.eq_ignore_ascii_case(NAME)) {
        let what = "Makes the call safe to repeat, as `clientId` in the body does, which goes before it: a repeat \
            gives the message that exists, and one with a different body is refused";
        let schema = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        let schema = schema.min_length(Some(1)).max_length(Some(256)).examples(["deploy-42"]).build();
        let parameter = ParameterBuilder::new().name(NAME).parameter_in(ParameterIn::Header);
        all.push(parameter.required(Required::False).description(Some(what)).schema(Some(schema)).build());
    }
}

fn request_id() -> Header {
    HeaderBuilder::new().schema(String::schema()).description(Some("Finds the call in the logs")).build()
}
