//! What a request costs: DynamoDB calls, how many of them one after the other, capacity, and calls
//! of S3.
//!
//! An SDK interceptor sees every attempt that goes over the wire and adds it to the cost of the
//! request in whose task it runs. Work started with [`spawn_background`] is not counted: it is not
//! on the critical path.

use std::future::Future;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemInput, BatchGetItemOutput};
use aws_sdk_dynamodb::operation::batch_write_item::{BatchWriteItemInput, BatchWriteItemOutput};
use aws_sdk_dynamodb::operation::delete_item::{DeleteItemInput, DeleteItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextRef,
    BeforeSerializationInterceptorContextMut, BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use futures_util::future::join_all;
use tokio::task::JoinHandle;

use crate::ids::{AgentId, ApiKeyId, UserId};
use crate::models::SenderType;
use crate::models::stats::StatsDelta;

/// The cost of one request, and which user and channel it was for.
#[derive(Debug, Default)]
pub struct RequestCost {
    calls: AtomicU32,
    in_flight: AtomicU32,
    round_trips: AtomicU32,
    /// Capacity units in thousandths, for DynamoDB counts in halves.
    milli_read_units: AtomicU64,
    milli_write_units: AtomicU64,
    blob_calls: AtomicU32,
    user: OnceLock<UserId>,
    user_name: OnceLock<String>,
    key: OnceLock<(ApiKeyId, String)>,
    /// The channel that was opened, and whether an agent opened it.
    channel: OnceLock<(AgentId, bool)>,
    message_from: OnceLock<SenderType>,
    /// Background tasks of the request.
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// A response extension: background tasks of this request. Lambda must await them before freezing
/// the sandbox.
#[derive(Clone)]
pub struct BackgroundTasks(pub Arc<RequestCost>);

impl BackgroundTasks {
    /// Waits until all tasks have ended, for a second at most.
    pub async fn finish(self) {
        const MAX_DURATION: Duration = Duration::from_secs(1);
        let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        // Background work is best effort: a task that takes longer may be lost, as one that fails.
        let _ = tokio::time::timeout(MAX_DURATION, join_all(tasks)).await;
    }
}

/// The totals of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CostTotals {
    pub calls: u32,
    /// Concurrent calls count once.
    pub round_trips: u32,
    pub read_units: f64,
    pub write_units: f64,
    /// Calls to S3.
    pub blob_calls: u32,
}

impl CostTotals {
    /// Read and write units together.
    pub fn capacity_units(&self) -> f64 {
        self.read_units + self.write_units
    }
}

tokio::task_local! {
    static CURRENT_COST: Arc<RequestCost>;
}

impl RequestCost {
    /// The totals so far.
    pub fn spent(&self) -> CostTotals {
        let units = |milli: &AtomicU64| milli.load(Ordering::Relaxed) as f64 / 1000.0;
        CostTotals {
            calls: self.calls.load(Ordering::Relaxed),
            round_trips: self.round_trips.load(Ordering::Relaxed),
            read_units: units(&self.milli_read_units),
            write_units: units(&self.milli_write_units),
            blob_calls: self.blob_calls.load(Ordering::Relaxed),
        }
    }

    /// The user that the request was authenticated for.
    pub fn user(&self) -> Option<UserId> {
        self.user.get().copied()
    }

    /// The name of the user, if the request has read it.
    pub fn user_name(&self) -> Option<String> {
        self.user_name.get().cloned()
    }

    /// The API key that made the request, and what pages show of it.
    pub fn key(&self) -> Option<(ApiKeyId, String)> {
        self.key.get().cloned()
    }

    /// What a finished request adds to the statistics of an agent.
    pub fn stats_delta(&self, succeeded: bool) -> Option<(AgentId, StatsDelta)> {
        let (agent, by_agent) = self.channel.get().copied()?;
        let one_if = u64::from;
        let from = self.message_from.get();
        let delta = StatsDelta {
            total_inbound: one_if(from == Some(&SenderType::Agent)),
            total_outbound: one_if(from == Some(&SenderType::User)),
            success_requests: one_if(by_agent && succeeded),
            error_requests: one_if(by_agent && !succeeded),
        };
        Some((agent, delta))
    }

    fn call_started(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.in_flight.fetch_add(1, Ordering::Relaxed) == 0 {
            self.round_trips.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn call_ended(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    fn add_read(&self, used: &ConsumedCapacity) {
        self.milli_read_units.fetch_add(milli_units(used), Ordering::Relaxed);
    }

    fn add_write(&self, used: &ConsumedCapacity) {
        self.milli_write_units.fetch_add(milli_units(used), Ordering::Relaxed);
    }
}

fn milli_units(used: &ConsumedCapacity) -> u64 {
    (used.capacity_units().unwrap_or_default() * 1000.0) as u64
}

/// Runs `work` and adds everything it spends to `cost`.
pub async fn with_cost<T>(cost: Arc<RequestCost>, work: impl Future<Output = T>) -> T {
    CURRENT_COST.scope(cost, work).await
}

/// Records the user of the current request.
pub fn record_user(user: UserId) {
    // A request has one caller: a second call would set the same user.
    let _ = CURRENT_COST.try_with(|cost| cost.user.set(user));
}

/// Records the name of the current request's user.
pub fn record_user_name(name: &str) {
    let _ = CURRENT_COST.try_with(|cost| cost.user_name.set(name.to_owned()));
}

/// Records the API key of the current request.
pub fn record_key(key: ApiKeyId, prefix: &str) {
    let _ = CURRENT_COST.try_with(|cost| cost.key.set((key, prefix.to_owned())));
}

/// Records the channel that the current request opened.
pub fn record_channel(agent: AgentId, by_agent: bool) {
    let _ = CURRENT_COST.try_with(|cost| cost.channel.set((agent, by_agent)));
}

/// Records that the current request created a message.
pub fn record_message(from: SenderType) {
    let _ = CURRENT_COST.try_with(|cost| cost.message_from.set(from));
}

/// Starts `work` in the background of the current request; the response does not wait for it. Only
/// for work that may be lost.
pub fn spawn_background(work: impl Future<Output = ()> + Send + 'static) {
    let running = tokio::spawn(async {
        // A new task would run before those that are ready: let their responses go out first.
        tokio::task::yield_now().await;
        work.await;
    });
    let _ = CURRENT_COST.try_with(|cost| cost.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(running));
}

/// The interceptor that requests the consumed capacity from DynamoDB and adds it to the cost.
#[derive(Debug)]
pub struct CostInterceptor;

#[dyn_dispatch_hint]
impl Intercept for CostInterceptor {
    fn name(&self) -> &'static str {
        "CostInterceptor"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let total = Some(ReturnConsumedCapacity::Total);
        let input = context.input_mut();
        macro_rules! ask {
            ($($kind:ty),+) => {
                $(if let Some(input) = input.downcast_mut::<$kind>() {
                    input.return_consumed_capacity = total;
                    return Ok(());
                })+
            };
        }
        ask!(
            BatchGetItemInput,
            BatchWriteItemInput,
            GetItemInput,
            QueryInput,
            PutItemInput,
            UpdateItemInput,
            DeleteItemInput,
            TransactWriteItemsInput
        );
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let _ = CURRENT_COST.try_with(|cost| cost.call_started());
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        let _ = CURRENT_COST.try_with(|cost| {
            macro_rules! one {
                ($add:ident: $($kind:ty),+) => {
                    $(if let Some(used) = output.downcast_ref::<$kind>().and_then(|o| o.consumed_capacity()) {
                        cost.$add(used);
                    })+
                };
            }
            macro_rules! each {
                ($add:ident: $($kind:ty),+) => {
                    $(if let Some(output) = output.downcast_ref::<$kind>() {
                        output.consumed_capacity().iter().for_each(|used| cost.$add(used));
                    })+
                };
            }
            one!(add_read: GetItemOutput, QueryOutput);
            each!(add_read: BatchGetItemOutput);
            one!(add_write: PutItemOutput, UpdateItemOutput, DeleteItemOutput);
            each!(add_write: BatchWriteItemOutput, TransactWriteItemsOutput);
        });
        Ok(())
    }

    fn read_after_attempt(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let _ = CURRENT_COST.try_with(|cost| cost.call_ended());
        Ok(())
    }
}

/// The interceptor that counts calls to S3. Presigned URLs are not calls.
#[derive(Debug)]
pub struct S3CallCounter;

#[dyn_dispatch_hint]
impl Intercept for S3CallCounter {
    fn name(&self) -> &'static str {
        "S3CallCounter"
    }

    fn read_after_transmit(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let _ = CURRENT_COST.try_with(|cost| cost.blob_calls.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn background_tasks_of_a_request_can_be_awaited() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let cost = Arc::new(RequestCost::default());
        with_cost(cost.clone(), async {
            spawn_background(async move {
                tokio::task::yield_now().await;
                let _ = sender.send(());
            });
        })
        .await;
        BackgroundTasks(cost).finish().await;
        assert!(receiver.await.is_ok());
    }
}
