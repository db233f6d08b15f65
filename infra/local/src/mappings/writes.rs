//! Tells the readers of the stream when this process has written to the table, so that what
//! follows from a write follows at once and an idle runner has little to ask.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::sync::watch;

const WRITES: [&str; 5] = ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"];

/// Writes through the clients that are watched.
#[derive(Clone, Debug)]
pub struct Writes(watch::Sender<()>);

impl Default for Writes {
    fn default() -> Self {
        Self(watch::channel(()).0)
    }
}

impl Writes {
    /// The same client, with its writes watched.
    pub fn watch(&self, client: &aws_sdk_dynamodb::Client) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::from_conf(client.config().to_builder().interceptor(self.clone()).build())
    }

    /// Sees every write from now on.
    pub fn follow(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}

#[dyn_dispatch_hint]
impl Intercept for Writes {
    fn name(&self) -> &'static str {
        "Writes"
    }

    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // One that failed may have been stored all the same.
        if config.load::<Metadata>().is_some_and(|operation| WRITES.contains(&operation.name())) {
            self.0.send_replace(());
        }
        Ok(())
    }
}
