//! The roles in infra/template.yaml allow what the code lists, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::iam::Permission;
use test_support::functions::{self, Function};
use test_support::template;

/// Actions of an event source mapping, which uses its function's role.
const STREAM_ACTIONS: [&str; 4] =
    ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"];
const QUEUE_ACTIONS: [&str; 3] = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
/// Actions of Lambda itself, with the function's role.
const LOG_ACTIONS: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];
/// The parameter with the deployment's secrets, which is created outside of the stack, and its versions.
const SECRETS_ARN: &str =
    "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/placet/${AWS::StackName}/secrets*";
/// The connections of the WebSocket API.
const SOCKETS_ARN: &str =
    "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${SocketsApi}/sockets/*/@connections/*";
/// X-Ray has no resources to restrict these to.
const TRACE_ACTIONS: [&str; 2] = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"];

#[test]
fn only_the_functions_that_sign_or_encrypt_know_where_the_secrets_are() {
    let parameter = json!({ "Fn::Sub": "/placet/${AWS::StackName}/secrets:${SecretsVersion}" });
    for function in functions::all() {
        let variables = &template::properties(template::functions()[function.name])["Environment"]["Variables"];
        let has_secrets = function.permissions.contains(&Permission::Secrets("ssm:GetParameter"));
        let expected = if has_secrets { parameter.clone() } else { Value::Null };
        assert_eq!(variables["PLACET_SECRETS_PARAMETER"], expected, "{}", function.name);
    }
    // A value in the environment could be read by everybody who may look at the function's configuration.
    let text = include_str!("../../../infra/template.yaml");
    assert!(!text.contains("{{resolve:"));
}

#[test]
fn the_document_of_operations_names_every_function_that_may_read_the_secrets() {
    let text = include_str!("../../../docs/OPERATIONS.md");
    let (_, named) = text.split_once("Only the functions ").expect("a sentence about the functions");
    let (named, _) = named.split_once("may read it").expect("its end");
    let reads = |it: &Function| it.permissions.contains(&Permission::Secrets("ssm:GetParameter"));
    let expected: BTreeSet<&str> = functions::all().filter(reads).map(|it| it.name).collect();
    assert_eq!(named.split('`').skip(1).step_by(2).collect::<BTreeSet<_>>(), expected);
}

/// In both directions: nothing is missing and nothing is superfluous.
#[test]
fn each_function_has_exactly_the_permissions_its_code_lists() {
    for function in functions::all() {
        let (name, resource) = (function.name, template::functions()[function.name]);
        assert_eq!(
            granted_permissions(resource),
            required_permissions(function, resource),
            "{name}: its role in infra/template.yaml"
        );
    }
}

#[test]
fn no_permission_is_wider_than_one_resource() {
    for (name, role) in template::of_type("AWS::IAM::Role") {
        assert_eq!(role.get("ManagedPolicyArns"), None, "{name}");
        for (actions, resources) in statements(role) {
            assert!(actions.iter().all(|action| !action.contains('*')), "{name}: {actions:?}");
            let traces = actions.iter().all(|action| TRACE_ACTIONS.contains(&action.as_str()));
            assert!(traces || !resources.contains(&json!("*")), "{name}: {actions:?}");
        }
    }
}

/// A role may do only what both its policy and its boundary allow.
#[test]
fn the_boundary_of_a_pipelines_roles_allows_what_the_roles_of_functions_do() {
    let boundary = template::of_pipeline("Boundary");
    let allowed: BTreeSet<String> = statements_of(&boundary).into_iter().flat_map(|(actions, _)| actions).collect();
    let refused: BTreeSet<String> = template::of_type("AWS::IAM::Role")
        .flat_map(|(_, role)| statements(role))
        .flat_map(|(actions, _)| actions)
        .filter(|action| {
            !allowed.contains(action) && !allowed.contains(&format!("{}:*", action.split(':').next().unwrap()))
        })
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

/// Tags of a stack are set on all its resources, with the rights of the role that deploys it.
#[test]
fn a_pipelines_role_may_tag_what_it_deploys() {
    const TAGS: &[&str] = &["ListTagsForResource", "TagResource", "UntagResource"];
    const LAMBDA_TAGS: &[&str] = &["ListTags", "TagResource", "UntagResource"];
    const HTTP_METHODS: &[&str] = &["DELETE", "GET", "POST"];
    // Types, and the service, the actions and the end of the resource's name with which they are tagged.
    let tagged: [(&[&str], &str, &[&str], &str); 14] = [
        (
            &["ApiGatewayV2::Api", "ApiGatewayV2::DomainName", "ApiGatewayV2::Stage"],
            "apigateway",
            HTTP_METHODS,
            "::/tags/*",
        ),
        (&["Budgets::Budget"], "budgets", TAGS, "budget/${StackName}-*"),
        (&["CloudWatch::Alarm"], "cloudwatch", TAGS, ":alarm:${StackName}-*"),
        (&["CloudWatch::Dashboard"], "cloudwatch", TAGS, ":dashboard/${StackName}-*"),
        (
            &["DynamoDB::Table"],
            "dynamodb",
            &["ListTagsOfResource", "TagResource", "UntagResource"],
            ":table/${StackName}-*",
        ),
        (&["Events::Rule"], "events", TAGS, ":rule/${StackName}-*"),
        (&["IAM::Role"], "iam", &["TagRole", "UntagRole"], ":role/${StackName}-*"),
        (&["Lambda::EventSourceMapping"], "lambda", LAMBDA_TAGS, ":event-source-mapping:*"),
        (&["Serverless::Function"], "lambda", LAMBDA_TAGS, ":function:${StackName}-*"),
        (&["Logs::LogGroup"], "logs", TAGS, ":log-group:${StackName}-*"),
        // `TagResource` is needed to create a bucket with tags, `PutBucketTagging` to change them.
        (
            &["S3::Bucket"],
            "s3",
            &["ListTagsForResource", "PutBucketTagging", "TagResource", "UntagResource"],
            ":::${StackName}-*",
        ),
        (&["SES::ConfigurationSet"], "ses", TAGS, ":configuration-set/${StackName}"),
        (&["SNS::Topic"], "sns", TAGS, ":${StackName}-*"),
        (&["SQS::Queue"], "sqs", &["ListQueueTags", "TagQueue", "UntagQueue"], ":${StackName}-*"),
    ];
    const UNTAGGED: [&str; 12] = [
        "ApiGatewayV2::ApiMapping",
        "ApiGatewayV2::Integration",
        "ApiGatewayV2::Route",
        "Lambda::EventInvokeConfig",
        "Lambda::Permission",
        "Logs::MetricFilter",
        "Route53::RecordSet",
        "S3::BucketPolicy",
        "SES::ConfigurationSetEventDestination",
        "SNS::Subscription",
        "SNS::TopicPolicy",
        "SQS::QueuePolicy",
    ];
    let statements = statements(&template::of_pipeline("Role"));
    let mut seen: BTreeSet<String> = UNTAGGED.map(|it| format!("AWS::{it}")).into();
    for (types, service, actions, resource) in tagged {
        seen.extend(types.iter().map(|it| format!("AWS::{it}")));
        for action in actions {
            let action = format!("{service}:{action}");
            let is_allowed = statements.iter().any(|(actions, resources)| {
                let arns = resources.iter().filter_map(|it| it["Fn::Sub"].as_str());
                actions.contains(&action)
                    && arns.into_iter().any(|arn| arn.contains(&format!(":{service}:")) && arn.ends_with(resource))
            });
            assert!(is_allowed, "{action} on {resource}");
        }
    }
    assert_eq!(seen, template::types().into_iter().map(str::to_owned).collect(), "types of the template");
}

#[test]
fn every_role_can_have_a_permissions_boundary() {
    let boundary = json!({
        "Fn::If": ["HasPermissionsBoundary", { "Ref": "PermissionsBoundary" }, { "Ref": "AWS::NoValue" }]
    });
    for (name, role) in template::of_type("AWS::IAM::Role") {
        assert_eq!(role["PermissionsBoundary"], boundary, "{name}");
    }
}

type Grant = (String, String);

fn granted_permissions(function: &str) -> BTreeSet<Grant> {
    let role = template::properties(function)["Role"]["Fn::GetAtt"].as_str().expect("a role of its own");
    let role = template::properties(role.trim_end_matches(".Arn"));
    let mut all = BTreeSet::new();
    for (actions, resources) in statements(role) {
        for action in actions {
            for resource in &resources {
                assert!(all.insert((action.clone(), resource.to_string())), "{function}: {action} twice");
            }
        }
    }
    all
}

fn statements(role: &Value) -> Vec<(Vec<String>, Vec<Value>)> {
    list(&role["Policies"]).iter().flat_map(statements_of).collect()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

fn statements_of(policy: &Value) -> Vec<(Vec<String>, Vec<Value>)> {
    let statements = list(&policy["PolicyDocument"]["Statement"]).into_iter();
    // What only some stacks grant counts as granted.
    let statements = statements.map(|it| it.pointer("/Fn::If/1").cloned().unwrap_or(it));
    let texts = |value: &Value| list(value).iter().map(|it| it.as_str().expect("an action").to_owned()).collect();
    statements.map(|it| (texts(&it["Action"]), list(&it["Resource"]))).collect()
}

fn required_permissions(function: Function, resource: &str) -> BTreeSet<Grant> {
    let mut all = BTreeSet::new();
    let mut add = |actions: &[&str], on: Value| {
        all.extend(actions.iter().map(|action| ((*action).to_owned(), on.to_string())));
    };
    for permission in function.permissions {
        match *permission {
            Permission::Table(action) => add(&[action], in_table(arn("Table"), "")),
            Permission::Index(action, index) => {
                let own = json!({ "Fn::Sub": format!("${{Table.Arn}}/index/{index}") });
                add(&[action], in_table(own, &format!("/index/{index}")))
            }
            Permission::Bucket(action) => add(&[action], in_bucket(arn("Bucket"), "")),
            Permission::Objects(action) => add(&[action], in_bucket(json!({ "Fn::Sub": "${Bucket.Arn}/*" }), "/*")),
            Permission::Queue(action) => add(&[action], arn("Queue")),
            Permission::DeadLetters(action) => add(&[action], arn("DeadLetters")),
            Permission::Notifications(action) => add(&[action], arn("NotificationQueue")),
            Permission::FailedNotifications(action) => add(&[action], arn("FailedNotifications")),
            Permission::Mail(action) => {
                for resource in ["identity/${MailIdentity}", "configuration-set/${AWS::StackName}"] {
                    let arn = format!("arn:${{AWS::Partition}}:ses:${{AWS::Region}}:${{AWS::AccountId}}:{resource}");
                    add(&[action], json!({ "Fn::Sub": arn }));
                }
            }
            Permission::Secrets(action) => add(&[action], json!({ "Fn::Sub": SECRETS_ARN })),
            Permission::Sockets(action) => add(&[action], json!({ "Fn::Sub": SOCKETS_ARN })),
        }
    }
    add(&LOG_ACTIONS, arn(&format!("{resource}Logs")));
    add(&TRACE_ACTIONS, json!("*"));
    for (_, mapping) in template::of_type("AWS::Lambda::EventSourceMapping") {
        if mapping["FunctionName"] != json!({ "Ref": resource }) {
            continue;
        }
        let stream = in_table(json!({ "Fn::GetAtt": "Table.StreamArn" }), "/stream/${ExistingTableStream}");
        match &mapping["EventSourceArn"] {
            source if *source == stream => add(&STREAM_ACTIONS, stream),
            source if *source == arn("Queue") => add(&QUEUE_ACTIONS, arn("Queue")),
            source if *source == arn("NotificationQueue") => add(&QUEUE_ACTIONS, arn("NotificationQueue")),
            other => panic!("a mapping of {other:?}"),
        }
        // Lambda writes the records that it gives up to the bucket, below a prefix of its own.
        if let Some(target) = mapping["DestinationConfig"]["OnFailure"]["Destination"].as_object() {
            assert_eq!(json!(target), in_bucket(arn("Bucket"), ""));
            add(&["s3:ListBucket"], json!(target));
            let own = json!({ "Fn::Sub": "${Bucket.Arn}/aws/lambda/*" });
            add(&["s3:PutObject"], in_bucket(own, "/aws/lambda/*"));
        }
    }
    all
}

/// A part of the stack's own table, or of the table that it uses instead.
fn in_table(own: Value, part: &str) -> Value {
    const TABLE: &str = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${ExistingTable}";
    json!({ "Fn::If": ["UsesOwnTable", own, { "Fn::Sub": format!("{TABLE}{part}") }] })
}

/// The same of the bucket.
fn in_bucket(own: Value, part: &str) -> Value {
    const BUCKET: &str = "arn:${AWS::Partition}:s3:::${ExistingBucket}";
    json!({ "Fn::If": ["UsesOwnBucket", own, { "Fn::Sub": format!("{BUCKET}{part}") }] })
}

fn arn(resource: &str) -> Value {
    json!({ "Fn::GetAtt": format!("{resource}.Arn") })
}
