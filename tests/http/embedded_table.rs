//! The embedded table's protocol without a port: every operation that anything here uses is
//! answered as the engine's own server answers it.

use bytes::Bytes;
use dynoxide::Database;
use placet_local::table::Table;
use serde_json::{Value, json};

const TABLE: &str = "compared";

/// Two equal databases: one behind the engine's own server, one behind ours.
struct Pair {
    client: reqwest::Client,
    url: String,
    table: Table,
}

/// One request's two answers.
struct Answers {
    target: String,
    body: String,
    theirs: (u16, Value),
    ours: (u16, Value),
}

impl Pair {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(dynoxide::server::serve_on(listener, Database::memory().unwrap()));
        let pair = Self { client: reqwest::Client::new(), url, table: Table::new(Database::memory().unwrap()) };
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

    async fn ask(&self, operation: &str, body: Value) -> Answers {
        self.raw(&format!("DynamoDB_20120810.{operation}"), &body.to_string()).await
    }

    /// The same status and the same body; gives them.
    async fn same(&self, operation: &str, body: Value) -> (u16, Value) {
        self.ask(operation, body).await.expect_same()
    }

    async fn refused(&self, operation: &str, body: Value, exception: &str) -> Value {
        let (status, answer) = self.same(operation, body.clone()).await;
        assert_eq!(status, 400, "{operation} {body}: {answer}");
        let kind = answer["__type"].as_str().unwrap();
        assert!(kind.ends_with(&format!("#{exception}")), "{operation} {body}: {answer}");
        answer
    }

    async fn done(&self, operation: &str, body: Value) -> Value {
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
    fn expect_alike(self) {
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

fn item(sk: &str) -> Value {
    json!({
        "pk": { "S": "p" }, "sk": { "S": sk }, "owner": { "S": "o" }, "n": { "N": "1.50" }, "b": { "B": "AAEC" },
        "set": { "SS": ["x", "y"] }, "numbers": { "NS": ["3", "1", "2"] }, "nothing": { "NULL": true },
        "map": { "M": { "list": { "L": [{ "BOOL": false }, { "S": "" }] } } },
    })
}

fn key(sk: &str) -> Value {
    json!({ "pk": { "S": "p" }, "sk": { "S": sk } })
}

/// `of` with the members of `more`, on the table that is compared.
fn with(of: Value, more: Value) -> Value {
    let mut members = json!({ "TableName": TABLE }).as_object().cloned().unwrap();
    members.extend(of.as_object().cloned().unwrap());
    members.extend(more.as_object().cloned().unwrap());
    Value::Object(members)
}

#[tokio::test]
async fn tables_are_answered_as_the_engines_server_answers() {
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
async fn items_are_answered_as_the_engines_server_answers() {
    let pair = Pair::start().await;
    let capacity = |of: Value, how: &str| with(of, json!({ "ReturnConsumedCapacity": how }));
    for how in ["NONE", "TOTAL", "INDEXES"] {
        pair.done("PutItem", capacity(json!({ "Item": item(how), "ReturnValues": "ALL_OLD" }), how)).await;
        pair.done("GetItem", capacity(json!({ "Key": key(how), "ConsistentRead": true }), how)).await;
    }
    let again = json!({ "Item": item("TOTAL"), "ReturnValues": "ALL_OLD" });
    assert!(pair.done("PutItem", capacity(again, "TOTAL")).await["Attributes"].is_object());
    let missing = pair.done("GetItem", capacity(json!({ "Key": key("none") }), "TOTAL")).await;
    assert!(missing.get("Item").is_none());
    let projected = json!({ "Key": key("TOTAL"), "ProjectionExpression": "#n, #m.#l[0]",
        "ExpressionAttributeNames": { "#n": "n", "#m": "map", "#l": "list" } });
    pair.done("GetItem", with(projected, json!({}))).await;

    let update = |expression: &str, values: Value| {
        with(
            json!({ "Key": key("TOTAL"), "UpdateExpression": expression }),
            match values {
                Value::Null => json!({}),
                values => json!({ "ExpressionAttributeValues": values }),
            },
        )
    };
    for returned in ["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"] {
        let adding = update(
            "ADD n :one SET l = list_append(if_not_exists(l, :none), :some) REMOVE b",
            json!({ ":one": { "N": "1" }, ":none": { "L": [] }, ":some": { "L": [{ "N": "1" }] } }),
        );
        pair.done("UpdateItem", with(adding, json!({ "ReturnValues": returned, "ReturnConsumedCapacity": "TOTAL" })))
            .await;
    }
    let one = json!({ ":one": { "N": "1" } });
    pair.refused("UpdateItem", update("ADD nothing :one", one.clone()), "ValidationException").await;
    pair.refused("UpdateItem", update("SET pk = :one", one.clone()), "ValidationException").await;
    pair.refused("UpdateItem", update("SET SET", one), "ValidationException").await;
    pair.refused("UpdateItem", update("SET x = :absent", Value::Null), "ValidationException").await;
    pair.done("DeleteItem", with(json!({ "Key": key("NONE"), "ReturnValues": "ALL_OLD" }), json!({}))).await;
    pair.done("DeleteItem", with(json!({ "Key": key("NONE"), "ReturnValues": "ALL_OLD" }), json!({}))).await;
}

#[tokio::test]
async fn refused_writes_are_answered_as_the_engines_server_answers() {
    let pair = Pair::start().await;
    pair.done("PutItem", with(json!({ "Item": item("a") }), json!({}))).await;
    let condition = json!({ "ConditionExpression": "attribute_not_exists(pk)" });
    for old in ["NONE", "ALL_OLD"] {
        let returned = json!({ "ReturnValuesOnConditionCheckFailure": old });
        let put = with(with(json!({ "Item": item("a") }), condition.clone()), returned.clone());
        pair.refused("PutItem", put, "ConditionalCheckFailedException").await;
        let gone = with(with(json!({ "Key": key("a") }), condition.clone()), returned.clone());
        pair.refused("DeleteItem", gone, "ConditionalCheckFailedException").await;
        let set = json!({ "Key": key("a"), "UpdateExpression": "REMOVE n" });
        let update = with(with(set, condition.clone()), returned);
        pair.refused("UpdateItem", update, "ConditionalCheckFailedException").await;
    }
    let with_member = |name: &str, value: Value| {
        let mut item = item("b");
        item[name] = value;
        with(json!({ "Item": item }), json!({}))
    };
    for (name, value) in [
        ("sk", json!({ "S": "" })),
        ("sk", json!({ "N": "1" })),
        ("owner", json!({ "N": "1" })),
        ("x", json!({ "SS": [] })),
        ("x", json!({ "SS": ["a", "a"] })),
        ("x", json!({ "N": "ten" })),
        ("x", json!({ "N": "1e400" })),
        ("x", json!({ "N": "1".repeat(60) })),
        ("x", json!({ "NULL": false })),
        ("x", json!({})),
        ("x", json!({ "S": "x".repeat(410_000) })),
    ] {
        pair.refused("PutItem", with_member(name, value), "ValidationException").await;
    }
    for more in [
        json!({ "TableName": "absent" }),
        json!({ "TableName": "x" }),
        json!({ "ReturnValues": "EVERYTHING" }),
        json!({ "ConditionExpression": "pk = " }),
        json!({ "ConditionExpression": "#x = :y" }),
        json!({ "ExpressionAttributeNames": { "#x": "y" } }),
        json!({ "ReturnConsumedCapacity": "SOME" }),
    ] {
        let (status, _) = pair.same("PutItem", with(json!({ "Item": item("b") }), more)).await;
        assert_eq!(status, 400);
    }
    for operation in ["PutItem", "GetItem", "DeleteItem", "UpdateItem", "Query"] {
        pair.refused(operation, json!({ "TableName": TABLE }), "ValidationException").await;
        pair.refused(operation, json!({}), "ValidationException").await;
    }
    for wrong in [json!({ "pk": { "S": "p" } }), json!({ "pk": { "S": "p" }, "sk": { "S": "a" }, "x": { "S": "a" } })] {
        pair.refused("GetItem", with(json!({ "Key": wrong }), json!({})), "ValidationException").await;
    }
    let deep = (0..100).fold(json!({ "S": "x" }), |value, _| json!({ "M": { "x": value } }));
    pair.refused("PutItem", with_member("x", deep), "ValidationException").await;
}

#[tokio::test]
async fn queries_and_scans_are_answered_as_the_engines_server_answers() {
    let pair = Pair::start().await;
    for sk in ["a#1", "a#2", "a#3", "b#1"] {
        pair.done("PutItem", with(json!({ "Item": item(sk) }), json!({}))).await;
    }
    let of_partition = json!({
        "KeyConditionExpression": "pk = :p AND begins_with(sk, :a)",
        "ExpressionAttributeValues": { ":p": { "S": "p" }, ":a": { "S": "a#" } }, "ReturnConsumedCapacity": "TOTAL",
    });
    for more in [
        json!({}),
        json!({ "ScanIndexForward": false }),
        json!({ "Limit": 2 }),
        json!({ "Select": "COUNT" }),
        json!({ "ConsistentRead": true }),
        json!({ "Limit": 2, "ExclusiveStartKey": key("a#1") }),
        json!({ "FilterExpression": "n > :p" }),
        json!({ "ProjectionExpression": "sk" }),
    ] {
        pair.done("Query", with(of_partition.clone(), more)).await;
    }
    let of_index = json!({
        "IndexName": "owner", "KeyConditionExpression": "#o = :o", "ExpressionAttributeNames": { "#o": "owner" },
        "ExpressionAttributeValues": { ":o": { "S": "o" } }, "ReturnConsumedCapacity": "INDEXES",
    });
    pair.done("Query", with(of_index.clone(), json!({ "Limit": 3 }))).await;
    for more in [
        json!({ "ConsistentRead": true }),
        json!({ "IndexName": "absent" }),
        json!({ "Limit": 0 }),
        json!({ "KeyConditionExpression": "#o > :o" }),
        json!({ "KeyConditionExpression": "#o = " }),
        json!({ "ExclusiveStartKey": { "x": { "S": "y" } } }),
    ] {
        pair.refused("Query", with(of_index.clone(), more), "ValidationException").await;
    }
    pair.refused("Query", with(of_index, json!({ "TableName": "absent" })), "ResourceNotFoundException").await;
    for more in [
        json!({}),
        json!({ "Limit": 3, "ReturnConsumedCapacity": "TOTAL" }),
        json!({ "Segment": 0, "TotalSegments": 2 }),
        json!({ "FilterExpression": "begins_with(sk, :b)", "ExpressionAttributeValues": { ":b": { "S": "b" } } }),
    ] {
        pair.done("Scan", with(json!({}), more)).await;
    }
    pair.refused("Scan", with(json!({ "Segment": 2 }), json!({})), "ValidationException").await;
}

#[tokio::test]
async fn batches_are_answered_as_the_engines_server_answers() {
    let pair = Pair::start().await;
    let puts = |count: usize| -> Vec<Value> {
        (0..count).map(|number| json!({ "PutRequest": { "Item": item(&format!("{number:03}")) } })).collect()
    };
    let write =
        |requests: Vec<Value>| json!({ "RequestItems": { TABLE: requests }, "ReturnConsumedCapacity": "TOTAL" });
    pair.done("BatchWriteItem", write(puts(25))).await;
    let mixed = [puts(1), vec![json!({ "DeleteRequest": { "Key": key("001") } })]].concat();
    pair.done("BatchWriteItem", write(mixed)).await;
    pair.refused("BatchWriteItem", write(puts(26)), "ValidationException").await;
    pair.refused("BatchWriteItem", write(vec![]), "ValidationException").await;
    pair.refused("BatchWriteItem", write([puts(1), puts(1)].concat()), "ValidationException").await;
    let absent = json!({ "RequestItems": { "absent": puts(1) } });
    pair.refused("BatchWriteItem", absent, "ResourceNotFoundException").await;

    let read = |keys: Vec<Value>| json!({ "RequestItems": { TABLE: { "Keys": keys, "ConsistentRead": true } }, "ReturnConsumedCapacity": "TOTAL" });
    let found = pair.done("BatchGetItem", read(vec![key("000"), key("absent")])).await;
    assert_eq!(found["Responses"][TABLE].as_array().unwrap().len(), 1);
    pair.refused("BatchGetItem", read(vec![]), "ValidationException").await;
    pair.refused("BatchGetItem", read(vec![key("000"), key("000")]), "ValidationException").await;
    let many = (0..101).map(|number| key(&number.to_string())).collect();
    pair.refused("BatchGetItem", read(many), "ValidationException").await;
}

#[tokio::test]
async fn transactions_are_answered_as_the_engines_server_answers() {
    let pair = Pair::start().await;
    let put = |sk: &str, more: Value| json!({ "Put": with(json!({ "Item": item(sk) }), more) });
    let is_new = json!({ "ConditionExpression": "attribute_not_exists(pk)" });
    let write = |items: Vec<Value>, token: &str| {
        let all = json!({ "TransactItems": items, "ReturnConsumedCapacity": "TOTAL" });
        let mut all = all.as_object().cloned().unwrap();
        if !token.is_empty() {
            all.insert("ClientRequestToken".to_owned(), json!(token));
        }
        Value::Object(all)
    };
    let first = write(vec![put("a", is_new.clone()), put("b", json!({}))], "token");
    pair.done("TransactWriteItems", first.clone()).await;
    // The same token is the same transaction; with other items it is refused.
    pair.done("TransactWriteItems", first).await;
    let other = write(vec![put("c", json!({}))], "token");
    pair.refused("TransactWriteItems", other, "IdempotentParameterMismatchException").await;

    for old in ["NONE", "ALL_OLD"] {
        let failing = with(is_new.clone(), json!({ "ReturnValuesOnConditionCheckFailure": old }));
        let check = json!({ "ConditionCheck": with(json!({ "Key": key("b") }), failing.clone()) });
        let items = vec![put("c", json!({})), put("a", failing), check];
        let refused = pair.refused("TransactWriteItems", write(items, ""), "TransactionCanceledException").await;
        let codes: Vec<&str> =
            refused["CancellationReasons"].as_array().unwrap().iter().map(|it| it["Code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["None", "ConditionalCheckFailed", "ConditionalCheckFailed"]);
    }
    let update = json!({ "Update": with(json!({ "Key": key("a"), "UpdateExpression": "ADD nothing :n",
        "ExpressionAttributeValues": { ":n": { "N": "1" } } }), json!({})) });
    let gone = json!({ "Delete": with(json!({ "Key": key("b") }), json!({})) });
    pair.refused("TransactWriteItems", write(vec![update, gone.clone()], ""), "TransactionCanceledException").await;
    pair.done("TransactWriteItems", write(vec![gone.clone()], "")).await;
    let nowhere = vec![put("x", json!({ "TableName": "absent" }))];
    let many = (0..101).map(|number| put(&number.to_string(), json!({}))).collect();
    for items in [vec![], vec![gone.clone(), gone], many, vec![json!({})], nowhere] {
        assert_eq!(pair.same("TransactWriteItems", write(items, "")).await.0, 400);
    }
    pair.refused("TransactWriteItems", write(vec![put("d", json!({}))], &"t".repeat(37)), "ValidationException").await;
    let empty = json!({ "Put": { "TableName": TABLE, "Item": { "pk": { "S": "" }, "sk": { "S": "x" } } } });
    assert_eq!(pair.same("TransactWriteItems", write(vec![empty], "")).await.0, 400);
}

#[tokio::test]
async fn values_that_cannot_be_stored_are_refused_in_transactions_and_batches_too() {
    let pair = Pair::start().await;
    for value in
        [json!({ "N": "ten" }), json!({ "N": "1e400" }), json!({ "SS": [] }), json!({ "NULL": false }), json!({})]
    {
        let mut wrong = item("a");
        wrong["x"] = value;
        let put = json!({ "Put": { "TableName": TABLE, "Item": wrong } });
        pair.ask("TransactWriteItems", json!({ "TransactItems": [put] })).await.expect_alike();
        let batch = json!({ "RequestItems": { TABLE: [{ "PutRequest": { "Item": wrong } }] } });
        pair.ask("BatchWriteItem", batch).await.expect_alike();
    }
}

#[tokio::test]
async fn the_stream_is_answered_as_the_engines_server_answers() {
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
async fn what_is_no_request_is_refused_as_by_the_engines_server() {
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
