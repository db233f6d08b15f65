//! infra/template.yaml matches the code: table, functions, routes and timeouts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::storage::keys;
use test_support::functions;
use test_support::template;

#[test]
fn the_template_and_the_code_define_the_same_table() {
    let table: Value = serde_json::from_str(include_str!("../../../infra/table.json")).unwrap();
    let deployed = template::properties("Table");
    for (name, expected) in table.as_object().unwrap() {
        assert_eq!(&deployed[name], expected, "{name}");
    }
    let others = deployed.as_object().unwrap().keys().filter(|name| table.get(name.as_str()).is_none());
    // Data protection, which the emulators do not have.
    let expected = ["DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "SSESpecification"];
    assert_eq!(others.collect::<Vec<_>>(), expected);
}

#[test]
fn every_binary_is_deployed_once() {
    let deployed: BTreeSet<&str> = template::functions().into_keys().collect();
    assert_eq!(deployed, functions::all().map(|it| it.name).collect());
}

#[test]
fn every_route_reaches_its_function() {
    let mut used = BTreeSet::new();
    let mut check = |method: &str, path: &str, function: &str| {
        assert_eq!(template::function_for(method, path), function, "{method} {path}");
        used.insert(template::route_for(method, path));
    };
    for routed in &functions::ROUTED_FUNCTIONS {
        let document = serde_json::to_value((routed.document)().paths).unwrap();
        for (path, operations) in document.as_object().unwrap() {
            for method in operations.as_object().unwrap().keys() {
                // A placeholder is one path segment, like an id.
                check(&method.to_uppercase(), path, routed.function.name);
            }
        }
    }
    // Pages are not in the OpenAPI document; the web function serves every path left over.
    for page in ["/", "/login", "/password", "/logout", "/reviews/some", "/assets/style.css", "/nothing/of/ours"] {
        for method in ["GET", "POST"] {
            check(method, page, "web");
        }
    }
    // Answered with 501, and not in the document.
    for absent in ["/api/manage/usage/daily", "/api/v1/oauth/callback"] {
        check("GET", absent, "agents");
    }
    // Clients try to open a stream, and are answered with 405.
    check("GET", "/mcp", "mcp");
    // Preflights of calls that other sites' scripts may make.
    for (path, function) in
        [("/api/v1/reviews/wait", "reviews"), ("/api/v1/reviews/some/wait", "reviews"), ("/mcp", "mcp")]
    {
        check("OPTIONS", path, function);
    }
    let deployed: BTreeSet<&str> = template::routes().iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(used, deployed, "routes of the template and routes of the code");
}

#[test]
fn every_timeout_is_longer_than_the_timeouts_inside_it() {
    const GATEWAY_MS: u64 = 30_000;
    let timeout = |name: &str| {
        let own = &template::properties(template::functions()[name])["Timeout"];
        own.as_u64().or(template::globals()["Timeout"].as_u64()).expect("a timeout") * 1000
    };
    for routed in &functions::ROUTED_FUNCTIONS {
        assert!(timeout(routed.function.name) < GATEWAY_MS, "{}", routed.function.name);
    }
    for (name, integration) in template::of_type("AWS::ApiGatewayV2::Integration") {
        if integration["ApiId"]["Ref"] != "Api" {
            continue;
        }
        assert_eq!(integration["TimeoutInMillis"], GATEWAY_MS, "{name}");
    }
    let max_wait = template::parameters()["MaxWaitMs"]["MaxValue"].as_u64().unwrap();
    assert!(
        max_wait < timeout("reviews")
            && max_wait < timeout("mcp")
            && max_wait <= shared::config::MAX_WAIT.as_millis() as u64
    );
    assert!((plugins::FETCH_TIMEOUT.as_millis() as u64) < timeout("plugins"));
    // A batch that an expiry run begins just before its time limit may take as long again.
    assert!(2 * expiry::TIME_BUDGET.as_millis() as u64 <= timeout("expiry"));
    for (queue, function) in [("Queue", "webhooks"), ("NotificationQueue", "notify")] {
        let hidden = template::properties(queue)["VisibilityTimeout"].as_u64().unwrap() * 1000;
        assert!(hidden >= 6 * timeout(function), "a delivery in progress does not become visible again");
    }
}

/// The mapping's filter passes only the records that `events` handles.
#[test]
fn stream_filters_drop_records_no_function_needs() {
    let filters = &template::properties("EventsMapping")["FilterCriteria"]["Filters"];
    let pattern = |filter: &Value| serde_json::from_str::<Value>(filter["Pattern"].as_str().unwrap()).unwrap();
    let patterns: Vec<Value> = filters.as_array().unwrap().iter().map(pattern).collect();
    let sorts = json!([keys::AGENT, { "prefix": keys::FILES }, { "prefix": keys::MESSAGES }]);
    // Of cleanup records only those of archives, which are in their users' partitions.
    let archive = json!({ "pk": { "S": [{ "prefix": "USER#" }] }, "sk": { "S": [{ "prefix": keys::CLEANUPS }] } });
    let keys = [json!({ "sk": { "S": sorts } }), archive];
    assert_eq!(patterns, keys.map(|keys| json!({ "dynamodb": { "Keys": keys } })));
}

#[test]
fn sockets_are_off_unless_a_parameter_turns_them_on() {
    assert_eq!(template::parameters()["EnableSockets"]["Default"], "false");
    let names =
        ["Api", "Stage", "Role", "Logs", "Integration", "Permission", "Mapping"].map(|it| format!("Sockets{it}"));
    for name in names.iter().map(String::as_str).chain(["Sockets", "SocketsMessageRoute"]) {
        assert_eq!(template::resource(name)["Condition"], "HasSockets", "{name}");
    }
    // Frames are repeated to nobody.
    assert_eq!(template::properties("SocketsMapping")["MaximumRetryAttempts"], 0);
    let filters = &template::properties("SocketsMapping")["FilterCriteria"]["Filters"];
    let sorts = filters.as_array().unwrap().iter().map(|filter| {
        let pattern: Value = serde_json::from_str(filter["Pattern"].as_str().unwrap()).unwrap();
        pattern["dynamodb"]["Keys"]["sk"]["S"].clone()
    });
    let expected =
        [json!([keys::AGENT, { "prefix": keys::MESSAGES }]), json!([keys::SOCKET]), json!(["KEY", "SESSION"])];
    assert_eq!(sorts.collect::<Vec<_>>(), expected);
}

#[test]
fn waits_and_sign_ins_have_throttles_of_their_own() {
    let settings = template::properties("Stage")["RouteSettings"].as_object().unwrap();
    let throttled = [
        ("GET", "/api/v1/reviews/{id}/wait", "Wait"),
        ("GET", "/api/v1/reviews/wait", "Wait"),
        ("ANY", "/api/changes", "Wait"),
        ("POST", "/mcp", "Mcp"),
        ("ANY", "/api/v1/hooks/{proxy+}", "Wait"),
        ("POST", "/login", "SignIn"),
        ("POST", "/password", "SignIn"),
        ("POST", "/api/auth/login", "SignIn"),
        ("POST", "/api/auth/change-password", "SignIn"),
    ];
    assert_eq!(settings.len(), throttled.len());
    for (method, path, parameters) in throttled {
        let key = format!("{method} {path}");
        let sent = if method == "ANY" { "GET" } else { method };
        assert_eq!(template::route_for(sent, &path.replace("{id}", "some")), key, "a path of the code");
        let throttle = json!({
            "ThrottlingRateLimit": { "Ref": format!("{parameters}ThrottlingRate") },
            "ThrottlingBurstLimit": { "Ref": format!("{parameters}ThrottlingBurst") },
        });
        assert_eq!(settings[&key], throttle, "{key}");
    }
    // API Gateway rejects settings of a route that does not exist yet.
    let before = template::resource("Stage")["DependsOn"].as_array().unwrap();
    let before = before.iter().map(|route| template::properties(route.as_str().unwrap())["RouteKey"].as_str().unwrap());
    assert_eq!(before.collect::<BTreeSet<_>>(), settings.keys().map(String::as_str).collect());
}

/// API Gateway writes each of its log groups into a resource policy of the account, which has a limited length, unless
/// the group's name has this prefix.
#[test]
fn the_access_log_needs_no_entry_in_the_accounts_resource_policy() {
    let name = json!({ "Fn::Sub": "/aws/vendedlogs/${AWS::StackName}/access" });
    assert_eq!(template::properties("AccessLogs")["LogGroupName"], name);
}

#[test]
fn the_default_endpoint_can_be_switched_off_if_there_is_another() {
    let disabled = json!({ "Fn::If": ["HasDefaultEndpoint", false, true] });
    assert_eq!(template::properties("Api")["DisableExecuteApiEndpoint"], disabled);
    let assertion = template::rules()["DefaultEndpointOrDomain"]["Assertions"][0]["Assert"].to_string();
    assert!(assertion.contains("DefaultEndpoint") && assertion.contains("DomainName"), "{assertion}");
}

#[test]
fn metrics_are_made_of_lines_that_the_functions_log() {
    let filters: Vec<_> = template::of_type("AWS::Logs::MetricFilter").map(|(_, it)| &it["FilterPattern"]).collect();
    assert!(filters.iter().any(|it| it.as_str().unwrap().contains("$.message = \"review answered\"")));
    let routes = ["/api/messages/{id}/respond", "/reviews/{id}"].map(|route| format!("$.route = \"{route}\""));
    for route in &routes {
        assert!(filters.iter().any(|it| it.as_str().unwrap().contains(route.as_str())), "{route}");
    }
    // CloudWatch's free tier has ten custom metrics and dashboards of fifty.
    assert!(filters.len() <= 10);
    let dashboard = template::properties("Dashboard")["DashboardBody"]["Fn::Sub"][0].as_str().unwrap();
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
    let widgets = dashboard["widgets"].as_array().unwrap().iter();
    assert!(widgets.map(|it| it["properties"]["metrics"].as_array().unwrap().len()).sum::<usize>() <= 50);
}

/// A function that holds its callers takes no more of the account's concurrency than a parameter says.
#[test]
fn functions_that_hold_their_callers_have_a_concurrency_of_their_own() {
    for (binary, resource) in template::functions() {
        let expected = match binary {
            "reviews" | "mcp" => json!({
                "Fn::If": [format!("Reserves{resource}"), { "Ref": format!("{resource}Concurrency") }, { "Ref": "AWS::NoValue" }]
            }),
            _ => Value::Null,
        };
        assert_eq!(template::properties(resource)["ReservedConcurrentExecutions"], expected, "{binary}");
    }
    for parameter in ["ReviewsConcurrency", "McpConcurrency"] {
        assert_eq!(template::parameters()[parameter]["Default"], 0, "a new account can reserve none");
    }
}

#[test]
fn only_the_functions_that_hold_their_callers_have_less_memory() {
    for (binary, resource) in template::functions() {
        let expected =
            if ["reviews", "mcp"].contains(&binary) { json!({ "Ref": "ReviewsMemorySize" }) } else { Value::Null };
        assert_eq!(template::properties(resource)["MemorySize"], expected, "{binary}");
    }
    assert_eq!(template::globals()["MemorySize"], json!({ "Ref": "MemorySize" }));
    assert_eq!(template::parameters()["ReviewsMemorySize"]["Default"], 128);
}

/// Versioning of a bucket can only be suspended, and versions stay until a rule expires them.
#[test]
fn versions_of_deleted_files_expire_also_after_versioning_was_switched_off() {
    let rules = template::properties("Bucket")["LifecycleConfiguration"]["Rules"].as_array().unwrap();
    let versions = rules.iter().find(|it| it["Id"] == "versions").expect("a rule that does not depend on a parameter");
    let days = json!({ "Fn::If": ["KeepsVersions", { "Ref": "BucketVersionDays" }, 1] });
    assert_eq!(versions["NoncurrentVersionExpiration"]["NoncurrentDays"], days);
    assert_eq!((&versions["Status"], &versions["ExpiredObjectDeleteMarker"]), (&json!("Enabled"), &json!(true)));
}

/// API Gateway inserts values unescaped, so only values without quotes may be logged.
#[test]
fn the_access_log_is_valid_json_for_errors_too() {
    let format = template::properties("Stage")["AccessLogSettings"]["Format"].as_str().unwrap();
    let line: BTreeMap<String, String> = serde_json::from_str(format).unwrap();
    assert_eq!(line["error"], "$context.error.responseType");
    let free_text = ["error.message", "ErrorMessage", "integration.error", "authorizer.error", "path", "userAgent"];
    for (name, value) in line {
        assert!(value.starts_with("$context."), "{name}");
        assert!(!free_text.iter().any(|text| value.to_lowercase().contains(&text.to_lowercase())), "{name}: {value}");
    }
}

#[test]
fn functions_use_the_table_and_the_bucket_that_the_outputs_name() {
    let variables = &template::globals()["Environment"]["Variables"];
    for (name, variable) in [("Table", "PLACET_TABLE"), ("Bucket", "PLACET_BUCKET")] {
        let existing = format!("Existing{name}");
        let used = json!({ "Fn::If": [format!("UsesOwn{name}"), { "Ref": name }, { "Ref": existing }] });
        assert_eq!((&variables[variable], template::output(name)), (&used, &used));
    }
}

#[test]
fn a_custom_domain_has_records_for_ipv4_and_ipv6() {
    let records = template::of_type("AWS::Route53::RecordSet").map(|(_, it)| it["Type"].as_str().unwrap());
    assert_eq!(records.collect::<BTreeSet<_>>(), BTreeSet::from(["A", "AAAA"]));
    let configuration = &template::properties("Domain")["DomainNameConfigurations"][0];
    assert_eq!(configuration["IpAddressType"], "dualstack");
}

#[test]
fn a_webhook_concurrency_that_lambda_rejects_is_rejected_before() {
    for mapping in ["WebhooksMapping", "NotifyMapping"] {
        let concurrency = &template::properties(mapping)["ScalingConfig"]["MaximumConcurrency"];
        let expected = json!({ "Fn::If": ["LimitsWebhooks", { "Ref": "WebhooksConcurrency" }, 10] });
        assert_eq!(*concurrency, expected, "{mapping}");
    }
    let assertion = &template::rules()["WebhooksConcurrencyIsNotOne"]["Assertions"][0]["Assert"];
    assert_eq!(*assertion, json!({ "Fn::Not": [{ "Fn::Equals": [{ "Ref": "WebhooksConcurrency" }, "1"] }] }));
}

/// Lambda polls the queue of an enabled mapping all the time, which costs.
#[test]
fn notifications_are_off_unless_somebody_turns_them_on_and_cost_nothing_until_then() {
    assert_eq!(template::parameters()["Notifications"]["Default"], "false");
    let is_on = |on: Value, off: Value| json!({ "Fn::If": ["SendsNotifications", on, off] });
    assert_eq!(template::properties("NotifyMapping")["Enabled"], is_on(json!(true), json!(false)));
    let queue = &template::globals()["Environment"]["Variables"]["PLACET_NOTIFICATIONS"];
    assert_eq!(*queue, is_on(json!({ "Ref": "NotificationQueue" }), json!("")));
    assert_eq!(template::resource("FailedNotificationsAlarm")["Condition"], "SendsNotifications");
}

/// The next minute processes the same items, so a failed run is not repeated.
#[test]
fn a_failed_run_of_the_schedule_is_not_repeated() {
    let [(_, invocations)] = template::of_type("AWS::Lambda::EventInvokeConfig").collect::<Vec<_>>()[..] else {
        panic!("one function is invoked asynchronously")
    };
    assert_eq!(invocations["FunctionName"], json!({ "Ref": template::functions()["expiry"] }));
    assert_eq!(invocations["MaximumRetryAttempts"], 0);
}

/// CloudWatch's dashboards are global in an account: without the region, a second region's stack of the same name fails.
#[test]
fn a_global_name_carries_the_region() {
    let name = json!({ "Fn::Sub": "${AWS::StackName}-${AWS::Region}" });
    assert_eq!(template::properties("Dashboard")["DashboardName"], name);
    assert_eq!(template::properties("Budget")["Budget"]["BudgetName"], name);
    let named: Vec<_> = ["AWS::IAM::Role", "AWS::S3::Bucket"]
        .into_iter()
        .flat_map(template::of_type)
        .filter(|(_, it)| it.get("RoleName").or(it.get("BucketName")).is_some())
        .collect();
    assert!(named.is_empty(), "CloudFormation names what is global: {named:?}");
}
