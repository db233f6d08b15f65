//! Storage on LocalStack: where it is, and the tables and the bucket of the tests there.

use aws_sdk_dynamodb::types::{StreamSpecification, StreamViewType};
use shared::aws::{Clients, Endpoints};
use shared::storage::schema;
use tokio::sync::OnceCell;

/// The bucket, and the table that most tests share.
pub const NAME: &str = "placet-test";

/// The URL of LocalStack, if the environment names one.
pub fn url() -> Option<String> {
    std::env::var("PLACET_TEST_ENGINE").ok().filter(|engine| engine != "embedded")
}

/// The endpoints of an emulator.
pub fn endpoints(url: &str) -> Endpoints {
    Endpoints {
        dynamodb: url.to_owned(),
        s3: url.to_owned(),
        sqs: url.to_owned(),
        access_key: "test".to_owned(),
        secret_key: "test".to_owned(),
        in_process: None,
    }
}

/// Creates what tests share, once, and `table` if it is another one.
pub async fn prepare(clients: &Clients, table: &str) {
    static SHARED: OnceCell<()> = OnceCell::const_new();
    SHARED.get_or_init(|| create_shared(clients)).await;
    if table != NAME {
        create_table(clients, table).await;
    }
}

/// Creates the bucket and the table that tests on LocalStack share.
async fn create_shared(clients: &Clients) {
    let created = clients.s3.create_bucket().bucket(NAME).send().await;
    if let Err(err) = &created {
        let owned = err.as_service_error().is_some_and(|it| it.is_bucket_already_owned_by_you());
        assert!(owned, "a bucket on LocalStack: {err:?}");
    }
    create_table(clients, NAME).await;
}

/// Creates a table on LocalStack. Its stream is off until a test reads it: each access to a table with a stream takes
/// DynamoDB Local the longer, the more records all streams have.
async fn create_table(clients: &Clients, name: &str) {
    schema::create(&clients.dynamodb, name).await.expect("a table on LocalStack");
    set_stream(clients, name, false).await;
}

/// Turns a table's stream on or off, unless it already is.
pub async fn set_stream(clients: &Clients, table: &str, on: bool) {
    let described = clients.dynamodb.describe_table().table_name(table).send().await.expect("a table");
    if described.table.and_then(|table| table.stream_specification).is_some_and(|it| it.stream_enabled) == on {
        return;
    }
    let view = on.then_some(StreamViewType::NewAndOldImages);
    let stream =
        StreamSpecification::builder().stream_enabled(on).set_stream_view_type(view).build().expect("complete");
    let update = clients.dynamodb.update_table().table_name(table).stream_specification(stream);
    update.send().await.expect("the table is updated");
}
