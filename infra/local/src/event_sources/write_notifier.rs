//! Wakes the readers of the stream when this process writes to the table: the effects of a write
//! follow at once, and an idle runner polls rarely.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::sync::watch;

const WRITE_OPERATIONS: [&str; 5] = ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"];

/// Notifies its subscribers of writes through the observed clients.
#[derive(Clone, Debug)]
pub struct WriteNotifier(watch::Sender<()>);

impl Default for WriteNotifier {
    fn default() -> Self {
        Self(watch::channel(()).0)
    }
}

impl WriteNotifier {
    /// A copy of the client whose writes are observed.
    pub fn observe(&self, client: &aws_sdk_dynamodb::Client) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::from_conf(client.config().to_builder().interceptor(self.clone()).build())
    }

    /// A receiver that changes with every write after this call.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}

#[dyn_dispatch_hint]
impl Intercept for WriteNotifier {
    fn name(&self) -> &'static str {
        "WriteNotifier"
    }

    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // A failed write counts too, because it may have been stored.
        if config.load::<Metadata>().is_some_and(|operation| WRITE_OPERATIONS.contains(&operation.name())) {
            self.0.send_replace(());
        }
        Ok(())
    }
}
