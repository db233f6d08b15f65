//! OpenAPI schemas of the small types; the models derive theirs, and each handler describes
//! itself. What all operations share (credentials, errors) is added in one place, where the
//! groups' documents are put together.

use std::borrow::Cow;

use utoipa::openapi::schema::{KnownFormat, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::clock::Timestamp;
use crate::ids::{AgentId, ApiKeyId, FileId, LogId, MessageId, UserId};
use crate::json::Json;

macro_rules! described {
    ($($name:ident => $schema:expr),+ $(,)?) => {
        $(
            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    $schema.into()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    Cow::Borrowed(stringify!($name))
                }
            }
        )+
    };
}

described! {
    AgentId => id("The id of an agent, and so of its channel", "agt_01KB0000000000000000000000"),
    UserId => id("The id of a person", "usr_01KB0000000000000000000000"),
    ApiKeyId => id("The id of an API key", "key_01KB0000000000000000000000"),
    LogId => id("The id of a logged API call", "log_01KB0000000000000000000000"),
    MessageId => id("The id of a message", "msg_01KB000000000000000000000001KB0000000000000000000001"),
    FileId => id("The id of a file", "fil_01KB000000000000000000000001KB0000000000000000000002"),
    Timestamp => text("RFC 3339 in UTC with milliseconds", "2026-01-31T09:30:00.000Z")
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
    Json => ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .description(Some("The sender's own JSON, given back exactly as it came")),
}

fn text(what: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).description(Some(what)).examples([example])
}

fn id(what: &str, example: &str) -> ObjectBuilder {
    text(&format!("{what}; opaque"), example)
}
