//! The embedded DynamoDB protocol: every operation that the project uses gets the same response as
//! from the engine's own server.

use bytes::Bytes;
use dynoxide::Database;
use placet_local::engines::dynamodb::DynamoDb;
use serde_json::{Value, json};

pub const TABLE: &str = "compared";

/// Two equal databases: one behind the engine's own server, one behind the project's.
pub struct ServerPair {
    client: reqwest::Client,
    url: String,
    table: DynamoDb,
}

/// The two responses to one request.
pub struct ResponsePair {
    target: String,
    body: String,
    theirs: (u16, Value),
    ours: (u16, Value),
}

impl ServerPair {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(dynoxide::server::serve_on(listener, Database::memory().unwrap()));
        let pair =
            Self { client: reqwest::Client::new(), url, table: DynamoDb::in_memory(Database::memory().unwrap()) };
        pair.expect_same("CreateTable", table_definition(TABLE)).await;
        pair
    }

    async fn send_both(&self, target: &str, theirs: String, ours: String) -> ResponsePair {
        let request = self.client.post(&self.url).header("x-amz-target", target);
        let request = request.header("content-type", "application/x-amz-json-1.0").header("x-amz-date", "now");
        // The engine's server requires all parts of a signature and verifies none.
        let authorization =
            "AWS4-HMAC-SHA256 Credential=a/20260101/r/dynamodb/aws4_request, SignedHeaders=host, Signature=x";
        let answer = request.header("authorization", authorization).body(theirs).send().await.unwrap();
        let theirs = (answer.status().as_u16(), answer.json().await.unwrap());
        let answer = self.table.answer(target, Bytes::from(ours.clone())).await;
        let ours_response = (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap());
        ResponsePair { target: target.to_owned(), body: ours, theirs, ours: ours_response }
    }

    async fn send_raw(&self, target: &str, body: &str) -> ResponsePair {
        self.send_both(target, body.to_owned(), body.to_owned()).await
    }

    pub async fn send(&self, operation: &str, body: Value) -> ResponsePair {
        self.send_raw(&format!("DynamoDB_20120810.{operation}"), &body.to_string()).await
    }

    /// Asserts equal responses and returns them.
    pub async fn expect_same(&self, operation: &str, body: Value) -> (u16, Value) {
        self.send(operation, body).await.expect_same()
    }

    pub async fn expect_refused(&self, operation: &str, body: Value, exception: &str) -> Value {
        let (status, answer) = self.expect_same(operation, body.clone()).await;
        assert_eq!(status, 400, "{operation} {body}: {answer}");
        let kind = answer["__type"].as_str().unwrap();
        assert!(kind.ends_with(&format!("#{exception}")), "{operation} {body}: {answer}");
        answer
    }

    pub async fn expect_done(&self, operation: &str, body: Value) -> Value {
        let (status, answer) = self.expect_same(operation, body.clone()).await;
        assert_eq!(status, 200, "{operation} {body}: {answer}");
        answer
    }
}

impl ResponsePair {
    #[track_caller]
    fn expect_same(self) -> (u16, Value) {
        let [theirs, ours] = [&self.theirs, &self.ours].map(|(status, body)| (*status, mask(body.clone())));
        assert_eq!(theirs, ours, "{} {}", self.target, self.body);
        self.ours
    }

    /// Asserts the same status and error type; the sentences may differ.
    #[track_caller]
    pub fn expect_same_error(self) {
        let kind = |(status, body): &(u16, Value)| (*status, body["__type"].clone());
        assert_eq!(kind(&self.theirs), kind(&self.ours), "{} {}", self.target, self.body);
        assert_eq!(self.ours.0, 400);
    }
}

/// Masks values that differ between any two databases.
fn mask(mut value: Value) -> Value {
    const DATABASE_SPECIFIC: [&str; 14] = [
        "CreationDateTime",
        "CreationRequestDateTime",
        "TableId",
        "LatestStreamArn",
        "LatestStreamLabel",
        "StreamArn",
        "StreamLabel",
        "ApproximateCreationDateTime",
        "eventID",
        "SequenceNumber",
        "StartingSequenceNumber",
        "EndingSequenceNumber",
        "NextShardIterator",
        "ShardIterator",
    ];
    match &mut value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                *member =
                    if DATABASE_SPECIFIC.contains(&name.as_str()) { json!("(masked)") } else { mask(member.take()) };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = mask(item.take())),
        _ => {}
    }
    value
}

fn table_definition(name: &str) -> Value {
    let key = |hash: &str, range: &str| json!([{ "AttributeName": hash, "KeyType": "HASH" }, { "AttributeName": range, "KeyType": "RANGE" }]);
    let attributes = ["pk", "sk", "owner"].map(|name| json!({ "AttributeName": name, "AttributeType": "S" }));
    json!({
        "TableName": name, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": attributes,
        "KeySchema": key("pk", "sk"),
        "GlobalSecondaryIndexes": [{
            "IndexName": "owner", "KeySchema": key("owner", "sk"), "Projection": { "ProjectionType": "ALL" }
        }],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
    })
}

pub fn item(sk: &str) -> Value {
    json!({
        "pk": { "S": "p" }, "sk": { "S": sk }, "owner": { "S": "o" }, "n": { "N": "1.50" }, "b": { "B": "AAEC" },
        "set": { "SS": ["x", "y"] }, "numbers": { "NS": ["3", "1", "2"] }, "nothing": { "NULL": true },
        "map": { "M": { "list": { "L": [{ "BOOL": false }, { "S": "" }] } } },
    })
}

pub fn key(sk: &str) -> Value {
    json!({ "pk": { "S": "p" }, "sk": { "S": sk } })
}

/// A request on the compared table: `of` with the members of `more`.
pub fn request(of: Value, more: Value) -> Value {
    let mut members = json!({ "TableName": TABLE }).as_object().cloned().unwrap();
    members.extend(of.as_object().cloned().unwrap());
    members.extend(more.as_object().cloned().unwrap());
    Value::Object(members)
}

#[tokio::test]
async fn table_calls_match_the_engines_own_server() {
    let pair = ServerPair::start().await;
    pair.expect_refused("CreateTable", table_definition(TABLE), "ResourceInUseException").await;
    pair.expect_refused("CreateTable", table_definition("x"), "ValidationException").await;
    pair.expect_refused("CreateTable", json!({ "TableName": "no-key" }), "ValidationException").await;
    assert_eq!(
        pair.expect_done("DescribeTable", json!({ "TableName": TABLE })).await["Table"]["TableStatus"],
        "ACTIVE"
    );
    pair.expect_refused("DescribeTable", json!({ "TableName": "absent" }), "ResourceNotFoundException").await;
    pair.expect_done("DescribeTimeToLive", json!({ "TableName": TABLE })).await;
    let ttl = json!({ "TableName": TABLE, "TimeToLiveSpecification": { "AttributeName": "ttl", "Enabled": true } });
    pair.expect_done("UpdateTimeToLive", ttl.clone()).await;
    pair.expect_same("UpdateTimeToLive", ttl).await;
    let absent = json!({ "TableName": TABLE, "TimeToLiveSpecification": {} });
    pair.expect_refused("UpdateTimeToLive", absent, "ValidationException").await;
    pair.expect_done("DescribeTimeToLive", json!({ "TableName": TABLE })).await;
    pair.expect_refused("DescribeTimeToLive", json!({ "TableName": "absent" }), "ResourceNotFoundException").await;
}

#[tokio::test]
async fn stream_calls_match_the_engines_own_server() {
    let pair = ServerPair::start().await;
    pair.expect_done("PutItem", request(json!({ "Item": item("a") }), json!({}))).await;
    pair.expect_done("DeleteItem", request(json!({ "Key": key("a") }), json!({}))).await;
    // Each database has its own names, so each is requests for its own.
    let both = async |operation: &str, [theirs, ours]: [Value; 2]| {
        let target = format!("DynamoDBStreams_20120810.{operation}");
        let answers = pair.send_both(&target, theirs.to_string(), ours.to_string()).await;
        let [theirs, ours] = [answers.theirs.clone(), answers.ours.clone()].map(|(_, body)| body);
        assert_eq!(answers.expect_same().0, 200);
        [theirs, ours]
    };
    let described = pair.send("DescribeTable", json!({ "TableName": TABLE })).await;
    let arns = [described.theirs.1, described.ours.1].map(|answer| answer["Table"]["LatestStreamArn"].clone());
    let streams = both("DescribeStream", arns.clone().map(|arn| json!({ "StreamArn": arn }))).await;
    let mut requests = [json!({}), json!({})];
    for (index, stream) in streams.iter().enumerate() {
        let shard = &stream["StreamDescription"]["Shards"][0]["ShardId"];
        requests[index] = json!({ "StreamArn": arns[index], "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
    }
    let iterators = both("GetShardIterator", requests).await;
    let records = both("GetRecords", iterators.map(|it| json!({ "ShardIterator": it["ShardIterator"] }))).await;
    assert_eq!(records[1]["Records"].as_array().unwrap().len(), 2);
    for (operation, body) in [
        ("DescribeStream", json!({ "StreamArn": "arn:aws:dynamodb:us-east-1:000000000000:table/absent/stream/x" })),
        ("GetRecords", json!({ "ShardIterator": "nonsense" })),
        ("GetShardIterator", json!({ "StreamArn": "nonsense", "ShardId": "x", "ShardIteratorType": "LATEST" })),
    ] {
        let (status, _) =
            pair.send_raw(&format!("DynamoDBStreams_20120810.{operation}"), &body.to_string()).await.expect_same();
        assert_eq!(status, 400, "{operation}");
    }
}

#[tokio::test]
async fn malformed_requests_match_the_engines_own_server() {
    let pair = ServerPair::start().await;
    for operation in ["Nonsense", "", "getItem"] {
        let target = format!("DynamoDB_20120810.{operation}");
        assert_eq!(pair.send_raw(&target, "{}").await.expect_same().0, 400);
    }
    for body in ["", "{", "nonsense", "{\"TableName\": }", "{} {}"] {
        let (status, answer) = pair.send_raw("DynamoDB_20120810.GetItem", body).await.expect_same();
        assert_eq!((status, answer.get("message")), (400, None), "{body}");
    }
    // The SDK's types cannot produce such a body, so the sentence may differ.
    for body in [json!([]), json!({ "TableName": 1 }), json!({ "TableName": TABLE, "Key": "x" })] {
        pair.send("GetItem", body).await.expect_same_error();
    }
    // Operations that the project does not use are unknown.
    for operation in ["DeleteTable", "ListTables", "ExecuteStatement", "TagResource"] {
        let answers = pair.send(operation, json!({ "TableName": TABLE })).await;
        let expected = json!({ "__type": "com.amazon.coral.service#UnknownOperationException" });
        assert_eq!(answers.ours, (400, expected));
    }
}
