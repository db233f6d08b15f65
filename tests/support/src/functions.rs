//! The deployed functions, behind the template's routes. The clients of each function refuse every
//! call that its permissions do not include.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_sqs::operation::change_message_visibility::ChangeMessageVisibilityInput;
use aws_sdk_sqs::operation::change_message_visibility_batch::ChangeMessageVisibilityBatchInput;
use aws_sdk_sqs::operation::send_message::SendMessageInput;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use axum::Router;
use shared::aws::{Clients, Lazy, SocketGateway};
use shared::http::App;
use shared::iam::Permission;
use shared::mail::Mailer;
use tower::{ServiceExt, service_fn};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

use crate::template;

/// A function that API Gateway invokes.
pub struct RoutedFunction {
    pub function: Function,
    pub router: fn() -> Router<App>,
    pub document: fn() -> Document,
}

/// A function: the name of its crate and binary, and its permissions.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    pub name: &'static str,
    pub permissions: &'static [Permission],
}

macro_rules! routed_functions {
    ($($name:ident),+) => {
        [$(RoutedFunction {
            function: Function { name: stringify!($name), permissions: $name::PERMISSIONS },
            router: $name::router,
            document: $name::Docs::openapi,
        }),+]
    };
}

macro_rules! background_functions {
    ($($name:ident),+) => {
        [$(Function { name: stringify!($name), permissions: $name::PERMISSIONS }),+]
    };
}

/// The functions that serve routes.
pub const ROUTED_FUNCTIONS: [RoutedFunction; 9] =
    routed_functions!(messages, reviews, files, agents, inbox, accounts, plugins, mcp, web);
/// The functions that queues, streams and schedules invoke.
pub const BACKGROUND_FUNCTIONS: [Function; 5] = background_functions!(events, webhooks, notify, expiry, sockets);

pub fn all() -> impl Iterator<Item = Function> {
    ROUTED_FUNCTIONS.iter().map(|it| it.function).chain(BACKGROUND_FUNCTIONS)
}

/// All route groups, each with its own clients. The template's routes select the function of a request.
pub fn service(clients: &Clients, app_on: &dyn Fn(&Clients) -> App) -> Router {
    let services: Vec<(&str, Router)> = ROUTED_FUNCTIONS
        .iter()
        .map(|it| {
            let app = it.function.with_its_secrets(app_on(&it.function.restrict(clients)));
            (it.function.name, shared::http::service((it.router)(), app))
        })
        .collect();
    Router::new().fallback_service(service_fn(move |request: axum::extract::Request| {
        let name = template::function_for(request.method().as_str(), request.uri().path());
        let service = services.iter().find(|(its, _)| *its == name).map(|(_, service)| service.clone());
        service.expect("every route of the template has a function").oneshot(request)
    }))
}

impl Function {
    pub fn named(name: &str) -> Self {
        all().find(|it| it.name == name).expect("a function")
    }

    /// The state with the deployment's secrets only if this function may read them, which it does at its start.
    pub fn with_its_secrets(self, app: App) -> App {
        let secrets = self.permitted(Permission::Secrets("ssm:GetParameter"), app.secrets.clone());
        App { secrets: secrets.unwrap_or_default(), ..app }
    }

    /// The mailer only if this function may send e-mail.
    pub fn with_its_mail(self, mailer: Mailer) -> Mailer {
        let mailer = self.permitted(Permission::Mail("ses:SendEmail"), mailer);
        mailer.and_then(|mailer| self.permitted(Permission::Mail("ses:SendRawEmail"), mailer)).unwrap_or_default()
    }

    /// The WebSocket API only if this function may send to its connections.
    pub fn with_its_sockets(self, gateway: SocketGateway) -> Option<SocketGateway> {
        self.permitted(Permission::Sockets("execute-api:ManageConnections"), gateway)
    }

    /// What needs a permission, only if this function has it. No SDK calls it, so that it is given counts as its use.
    fn permitted<T>(self, permission: Permission, it: T) -> Option<T> {
        let is_permitted = self.permissions.contains(&permission);
        is_permitted.then(|| {
            record_permission(self.name, permission);
            it
        })
    }

    /// The clients, restricted to this function's permissions.
    pub fn restrict(self, clients: &Clients) -> Clients {
        let Clients { dynamodb, s3, sqs } = clients.clone();
        Clients {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.config().to_builder().interceptor(self).build()),
            s3: Lazy::new(move || aws_sdk_s3::Client::from_conf(s3.config().to_builder().interceptor(self).build())),
            sqs: Lazy::new(move || aws_sdk_sqs::Client::from_conf(sqs.config().to_builder().interceptor(self).build())),
        }
    }
}

#[dyn_dispatch_hint]
impl Intercept for Function {
    fn name(&self) -> &'static str {
        "Function"
    }

    #[expect(clippy::print_stderr, reason = "the output of the failed test names the missing permission")]
    fn read_before_serialization(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().ok_or("an operation without a name")?;
        for permission in required_permissions(operation, context) {
            record_permission(self.name, permission);
            if !self.permissions.contains(&permission) {
                let refusal = format!("{}: {permission} is not among its PERMISSIONS", self.name);
                eprintln!("{refusal}");
                return Err(refusal.into());
            }
        }
        Ok(())
    }
}

/// The end of the name of each dead-letter queue of deliveries.
pub const DEAD_LETTERS_SUFFIX: &str = "-failed";

/// A part of the names of the queues of notifications.
pub const NOTIFICATIONS_PART: &str = "-notify";

/// The permissions that IAM requires for an operation.
fn required_permissions(
    operation: &Metadata,
    context: &BeforeSerializationInterceptorContextRef<'_>,
) -> Vec<Permission> {
    let (service, name) = (operation.service(), operation.name());
    match name {
        "Query" => {
            let index = context.input().downcast_ref::<QueryInput>().and_then(|input| input.index_name.as_deref());
            vec![match index {
                None => Permission::Table("dynamodb:Query"),
                Some("owner") => Permission::Index("dynamodb:Query", "owner"),
                Some("due") => Permission::Index("dynamodb:Query", "due"),
                Some(other) => panic!("unknown index {other}"),
            }]
        }
        "TransactWriteItems" => {
            let input = context.input().downcast_ref::<TransactWriteItemsInput>().expect("its input");
            let actions = input.transact_items().iter().flat_map(|item| {
                [
                    item.put.is_some().then_some("dynamodb:PutItem"),
                    item.update.is_some().then_some("dynamodb:UpdateItem"),
                    item.delete.is_some().then_some("dynamodb:DeleteItem"),
                    item.condition_check.is_some().then_some("dynamodb:ConditionCheckItem"),
                ]
            });
            actions.flatten().map(Permission::Table).collect()
        }
        "GetItem" => vec![Permission::Table("dynamodb:GetItem")],
        "BatchGetItem" => vec![Permission::Table("dynamodb:BatchGetItem")],
        "BatchWriteItem" => vec![Permission::Table("dynamodb:BatchWriteItem")],
        "PutItem" => vec![Permission::Table("dynamodb:PutItem")],
        "UpdateItem" => vec![Permission::Table("dynamodb:UpdateItem")],
        "DeleteItem" => vec![Permission::Table("dynamodb:DeleteItem")],
        // Without ListBucket, S3 answers 403 instead of 404 for a missing object.
        "GetObject" | "HeadObject" => vec![Permission::Objects("s3:GetObject"), Permission::Bucket("s3:ListBucket")],
        "ListObjectsV2" => vec![Permission::Bucket("s3:ListBucket")],
        "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => {
            vec![Permission::Objects("s3:PutObject")]
        }
        "AbortMultipartUpload" => vec![Permission::Objects("s3:AbortMultipartUpload")],
        "DeleteObject" | "DeleteObjects" => vec![Permission::Objects("s3:DeleteObject")],
        "SendMessage" => {
            let input = context.input().downcast_ref::<SendMessageInput>().expect("its input");
            let of = |url: &str| match (url.contains(NOTIFICATIONS_PART), url.ends_with(DEAD_LETTERS_SUFFIX)) {
                (false, false) => Permission::Queue("sqs:SendMessage"),
                (false, true) => Permission::DeadLetters("sqs:SendMessage"),
                (true, false) => Permission::Notifications("sqs:SendMessage"),
                (true, true) => Permission::FailedNotifications("sqs:SendMessage"),
            };
            vec![of(input.queue_url().expect("a queue"))]
        }
        "ChangeMessageVisibility" | "ChangeMessageVisibilityBatch" => {
            let input = context.input();
            let one = input.downcast_ref::<ChangeMessageVisibilityInput>().map(|input| input.queue_url());
            let several = input.downcast_ref::<ChangeMessageVisibilityBatchInput>().map(|input| input.queue_url());
            let url = one.or(several).flatten().expect("a queue");
            vec![match url.contains(NOTIFICATIONS_PART) {
                false => Permission::Queue("sqs:ChangeMessageVisibility"),
                true => Permission::Notifications("sqs:ChangeMessageVisibility"),
            }]
        }
        _ => panic!("no permission is known for {service}'s {name}"),
    }
}

/// Appends a used permission to the file that `PLACET_TEST_PERMISSIONS` names. After a whole run,
/// `tests/support/src/bin/permissions.rs` compares them with the listed ones.
fn record_permission(function: &'static str, permission: Permission) {
    static RECORDED: Mutex<BTreeSet<(&str, Permission)>> = Mutex::new(BTreeSet::new());
    if RECORDED.lock().unwrap_or_else(PoisonError::into_inner).insert((function, permission)) {
        let Ok(path) = std::env::var("PLACET_TEST_PERMISSIONS") else { return };
        let file = OpenOptions::new().append(true).create(true).open(path);
        writeln!(file.expect("the file of permissions"), "{function}: {permission}").expect("a line in it");
    }
}
