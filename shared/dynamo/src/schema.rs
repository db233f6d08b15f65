//! The table's definition: one file, in CloudFormation's words, for the deployed table and for
//! the one that the local runner and the tests create.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, StreamSpecification, StreamViewType, TimeToLiveSpecification, TimeToLiveStatus,
};
use serde::Deserialize;

use crate::error::Error;

const DEFINITION: &str = include_str!("../../../infra/table.json");

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Table {
    billing_mode: String,
    attribute_definitions: Vec<Attribute>,
    key_schema: Vec<KeyPart>,
    global_secondary_indexes: Vec<Index>,
    stream_specification: Stream,
    time_to_live_specification: Ttl,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyPart {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Index {
    index_name: String,
    key_schema: Vec<KeyPart>,
    projection: Projected,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Projected {
    projection_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stream {
    stream_view_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ttl {
    attribute_name: String,
    enabled: bool,
}

/// Creates the table if it does not exist yet, and waits until it can be used.
pub async fn create(client: &Client, name: &str) -> Result<(), Error> {
    let table: Table = serde_json::from_str(DEFINITION).map_err(Error::internal)?;
    let ttl = TimeToLiveSpecification::builder()
        .attribute_name(&table.time_to_live_specification.attribute_name)
        .enabled(table.time_to_live_specification.enabled)
        .build()
        .map_err(Error::internal)?;
    match request(client, name, table)?.send().await {
        Ok(_) => {}
        Err(err) if err.as_service_error().is_some_and(|it| it.is_resource_in_use_exception()) => {}
        Err(err) => return Err(Error::sdk(err)),
    }
    until_active(client, name).await?;
    // Asked first: enabling it twice is an error.
    let now = client.describe_time_to_live().table_name(name).send().await.map_err(Error::sdk)?;
    let status = now.time_to_live_description.and_then(|it| it.time_to_live_status);
    if !matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
        client
            .update_time_to_live()
            .table_name(name)
            .time_to_live_specification(ttl)
            .send()
            .await
            .map_err(Error::sdk)?;
    }
    Ok(())
}

type CreateTable = aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;

fn request(client: &Client, name: &str, table: Table) -> Result<CreateTable, Error> {
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::from(table.stream_specification.stream_view_type.as_str()))
        .build()
        .map_err(Error::internal)?;
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::from(table.billing_mode.as_str()))
        .set_key_schema(Some(key_schema(&table.key_schema)?))
        .stream_specification(stream);
    for attribute in table.attribute_definitions {
        let definition = AttributeDefinition::builder()
            .attribute_name(attribute.attribute_name)
            .attribute_type(ScalarAttributeType::from(attribute.attribute_type.as_str()))
            .build()
            .map_err(Error::internal)?;
        request = request.attribute_definitions(definition);
    }
    for index in table.global_secondary_indexes {
        let projection = ProjectionType::from(index.projection.projection_type.as_str());
        let index = GlobalSecondaryIndex::builder()
            .index_name(index.index_name)
            .set_key_schema(Some(key_schema(&index.key_schema)?))
            .projection(Projection::builder().projection_type(projection).build())
            .build()
            .map_err(Error::internal)?;
        request = request.global_secondary_indexes(index);
    }
    Ok(request)
}

fn key_schema(parts: &[KeyPart]) -> Result<Vec<KeySchemaElement>, Error> {
    parts
        .iter()
        .map(|part| {
            KeySchemaElement::builder()
                .attribute_name(&part.attribute_name)
                .key_type(KeyType::from(part.key_type.as_str()))
                .build()
                .map_err(Error::internal)
        })
        .collect()
}

async fn until_active(client: &Client, name: &str) -> Result<(), Error> {
    use aws_sdk_dynamodb::client::Waiters;
    client
        .wait_until_table_exists()
        .table_name(name)
        .wait(std::time::Duration::from_secs(60))
        .await
        .map(drop)
        .map_err(Error::unavailable)
}
