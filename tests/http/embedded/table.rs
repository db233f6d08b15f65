//! The embedded table's protocol without a port: every operation that anything here uses is
//! answered as the engine's own server answers it.

use bytes::Bytes;
use dynoxide::Database;
use placet_local::engines::dynamodb::DynamoDb;
use serde_json::{Value, json};

pub const TABLE: &str = "compared";

/// Two equal databases: one behind the engine's own server, one behind ours.
pub struct Pair {
    client: reqwest::Client,
    url: String,
    table: DynamoDb,
}

/// One request's two answers.
pub struct Answers {
    target: String,
    body: String,
    theirs: (u16, Value),
    ours: (u16, Value),
}

impl Pair {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(dynoxide::server::serve_on(listener, Database::memory().unwrap()));
        let pair = Self { client: reqwest::Client::new(), url, table: DynamoDb::new(Database::memory().unwrap()) };
        pair.same("CreateTable", created(TABLE)).await;
        pair
    }

    async fn answers(&self, target: &str, theirs: String, ours: String) -> Answers {
        let request = self.client.post(&self.url).header("x-amz-target", target);
        let request = request.header("content-type", "application/x-amz-json-1.0").header("x-amz-date", "now");
        // Their server looks that a signature has all its parts, and at none of them.
        let authorization =
            "AWS4-HMAC-SHA256 Credential=a/20260101/r/dynamodb/aws4_request, SignedHeaders=host, Signature=x";
        let answer = request.header("authorization", authorization).body(theirs).send().await.unwrap();
        let theirs = (answer.status().as_u16(), answer.json().await.unwrap());
        let answer = self.table.answer(target, Bytes::from(ours.clone())).await;
        let ours_now = (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap());
        Answers { target: target.to_owned(), body: ours, theirs, ours: ours_now }
    }

    async fn raw(&self, target: &str, body: &str) -> Answers {
        self.answers(target, body.to_owned(), body.to_owned()).await
    }

    pub async fn ask(&self, operation: &str, body: Value) -> Answers {
        self.raw(&format!("DynamoDB_20120810.{operation}"), &body.to_string()).await
    }

    /// The same status and the same body; gives them.
    pub async fn same(&self, operation: &str, body: Value) -> (u16, Value) {
        self.ask(operation, body).await.expect_same()
    }

    pub async fn refused(&self, operation: &str, body: Value, exception: &str) -> Value {
        let (status, answer) = self.same(operation, body.clone()).await;
        assert_eq!(status, 400, "{operation} {body}: {answer}");
        let kind = answer["__type"].as_str().unwrap();
        assert!(kind.ends_with(&format!("#{exception}")), "{operation} {body}: {answer}");
        answer
    }

    pub async fn done(&self, operation: &str, body: Value) -> Value {
        let (status, answer) = self.same(operation, body.clone()).await;
        assert_eq!(status, 200, "{operation} {body}: {answer}");
        answer
    }
}

impl Answers {
    #[track_caller]
    fn expect_same(self) -> (u16, Value) {
        let [theirs, ours] = [&self.theirs, &self.ours].map(|(status, body)| (*status, masked(body.clone())));
        assert_eq!(theirs, ours, "{} {}", self.target, self.body);
        self.ours
    }

    /// Only the sentence differs.
    #[track_caller]
    pub fn expect_alike(self) {
        let kind = |(status, body): &(u16, Value)| (*status, body["__type"].clone());
        assert_eq!(kind(&self.theirs), kind(&self.ours), "{} {}", self.target, self.body);
        assert_eq!(self.ours.0, 400);
    }
}

/// Without what two databases that were made one after the other cannot have in common.
fn masked(mut value: Value) -> Value {
    const OWN: [&str; 14] = [
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
                *member = if OWN.contains(&name.as_str()) { json!("its own") } else { masked(member.take()) };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = masked(item.take())),
        _ => {}
    }
    value
}

fn created(name: &str) -> Value {
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

/// `of` with the members of `more`, on the table that is compared.
pub fn with(of: Value, more: Value) -> Value {
    let mut members = json!({ "TableName": TABLE }).as_object().cloned().unwrap();
    members.extend(of.as_object().cloned().unwrap());
    members.extend(more.as_object().cloned().unwrap());
    Value::Object(members)
}

#[tokio::test]
async fn table_calls_match_the_engines_own_server() {
    let pair = Pair::start().await;
    pair.refused("CreateTable", created(TABLE), "ResourceInUseException").await;
    pair.refused("CreateTable", created("x"), "ValidationException").await;
    pair.refused("CreateTable", json!({ "TableName": "no-key" }), "ValidationException").await;
    assert_eq!(pair.done("DescribeTable", json!({ "TableName": TABLE })).await["Table"]["TableStatus"], "ACTIVE");
    pair.refused("DescribeTable", json!({ "TableName": "absent" }), "ResourceNotFoundException").await;
    pair.done("DescribeTimeToLive", json!({ "TableName": TABLE })).await;
    let ttl = json!({ "TableName": TABLE, "TimeToLiveSpecification": { "AttributeName": "ttl", "Enabled": true } });
    pair.done("UpdateTimeToLive", ttl.clone()).await;
    pair.same("UpdateTimeToLive", ttl).await;
    let absent = json!({ "TableName": TABLE, "TimeToLiveSpecification": {} });
    pair.refused("UpdateTimeToLive", absent, "ValidationException").await;
    pair.done("DescribeTimeToLive", json!({ "TableName": TABLE })).await;
    pair.refused("DescribeTimeToLive", json!({ "TableName": "absent" }), "ResourceNotFoundException").await;
}

#[tokio::test]
async fn stream_calls_match_the_engines_own_server() {
    let pair = Pair::start().await;
    pair.done("PutItem", with(json!({ "Item": item("a") }), json!({}))).await;
    pair.done("DeleteItem", with(json!({ "Key": key("a") }), json!({}))).await;
    // Each database has names of its own: what one answers is only asked of that one.
    let both = async |operation: &str, [theirs, ours]: [Value; 2]| {
        let target = format!("DynamoDBStreams_20120810.{operation}");
        let answers = pair.answers(&target, theirs.to_string(), ours.to_string()).await;
        let [theirs, ours] = [answers.theirs.clone(), answers.ours.clone()].map(|(_, body)| body);
        assert_eq!(answers.expect_same().0, 200);
        [theirs, ours]
    };
    let described = pair.ask("DescribeTable", json!({ "TableName": TABLE })).await;
    let arns = [described.theirs.1, described.ours.1].map(|answer| answer["Table"]["LatestStreamArn"].clone());
    let streams = both("DescribeStream", arns.clone().map(|arn| json!({ "StreamArn": arn }))).await;
    let mut asked = [json!({}), json!({})];
    for (index, stream) in streams.iter().enumerate() {
        let shard = &stream["StreamDescription"]["Shards"][0]["ShardId"];
        asked[index] = json!({ "StreamArn": arns[index], "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
    }
    let iterators = both("GetShardIterator", asked).await;
    let records = both("GetRecords", iterators.map(|it| json!({ "ShardIterator": it["ShardIterator"] }))).await;
    assert_eq!(records[1]["Records"].as_array().unwrap().len(), 2);
    for (operation, body) in [
        ("DescribeStream", json!({ "StreamArn": "arn:aws:dynamodb:us-east-1:000000000000:table/absent/stream/x" })),
        ("GetRecords", json!({ "ShardIterator": "nonsense" })),
        ("GetShardIterator", json!({ "StreamArn": "nonsense", "ShardId": "x", "ShardIteratorType": "LATEST" })),
    ] {
        let (status, _) =
            pair.raw(&format!("DynamoDBStreams_20120810.{operation}"), &body.to_string()).await.expect_same();
        assert_eq!(status, 400, "{operation}");
    }
}

#[tokio::test]
async fn malformed_requests_match_the_engines_own_server() {
    let pair = Pair::start().await;
    for operation in ["Nonsense", "", "getItem"] {
        let target = format!("DynamoDB_20120810.{operation}");
        assert_eq!(pair.raw(&target, "{}").await.expect_same().0, 400);
    }
    for body in ["", "{", "nonsense", "{\"TableName\": }", "{} {}"] {
        let (status, answer) = pair.raw("DynamoDB_20120810.GetItem", body).await.expect_same();
        assert_eq!((status, answer.get("message")), (400, None), "{body}");
    }
    // The SDK's types make no such body, so the sentence may be another.
    for body in [json!([]), json!({ "TableName": 1 }), json!({ "TableName": TABLE, "Key": "x" })] {
        pair.ask("GetItem", body).await.expect_alike();
    }
    // What nothing here uses does not exist here.
    for operation in ["DeleteTable", "ListTables", "ExecuteStatement", "TagResource"] {
        let answers = pair.ask(operation, json!({ "TableName": TABLE })).await;
        let expected = json!({ "__type": "com.amazon.coral.service#UnknownOperationException" });
        assert_eq!(answers.ours, (400, expected));
    }
}
