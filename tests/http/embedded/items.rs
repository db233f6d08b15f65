//! Items of the embedded DynamoDB: writes and reads get the same responses as from the engine's own
//! server.

use serde_json::{Value, json};

use crate::embedded::table::{ServerPair, TABLE, item, key, request};

#[tokio::test]
async fn item_calls_match_the_engines_own_server() {
    let pair = ServerPair::start().await;
    let capacity = |of: Value, how: &str| request(of, json!({ "ReturnConsumedCapacity": how }));
    for how in ["NONE", "TOTAL", "INDEXES"] {
        pair.expect_done("PutItem", capacity(json!({ "Item": item(how), "ReturnValues": "ALL_OLD" }), how)).await;
        pair.expect_done("GetItem", capacity(json!({ "Key": key(how), "ConsistentRead": true }), how)).await;
    }
    let again = json!({ "Item": item("TOTAL"), "ReturnValues": "ALL_OLD" });
    assert!(pair.expect_done("PutItem", capacity(again, "TOTAL")).await["Attributes"].is_object());
    let missing = pair.expect_done("GetItem", capacity(json!({ "Key": key("none") }), "TOTAL")).await;
    assert!(missing.get("Item").is_none());
    let projected = json!({ "Key": key("TOTAL"), "ProjectionExpression": "#n, #m.#l[0]",
        "ExpressionAttributeNames": { "#n": "n", "#m": "map", "#l": "list" } });
    pair.expect_done("GetItem", request(projected, json!({}))).await;

    let update = |expression: &str, values: Value| {
        request(
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
        pair.expect_done(
            "UpdateItem",
            request(adding, json!({ "ReturnValues": returned, "ReturnConsumedCapacity": "TOTAL" })),
        )
        .await;
    }
    let one = json!({ ":one": { "N": "1" } });
    pair.expect_refused("UpdateItem", update("ADD nothing :one", one.clone()), "ValidationException").await;
    pair.expect_refused("UpdateItem", update("SET pk = :one", one.clone()), "ValidationException").await;
    pair.expect_refused("UpdateItem", update("SET SET", one), "ValidationException").await;
    pair.expect_refused("UpdateItem", update("SET x = :absent", Value::Null), "ValidationException").await;
    pair.expect_done("DeleteItem", request(json!({ "Key": key("NONE"), "ReturnValues": "ALL_OLD" }), json!({}))).await;
    pair.expect_done("DeleteItem", request(json!({ "Key": key("NONE"), "ReturnValues": "ALL_OLD" }), json!({}))).await;
}

#[tokio::test]
async fn refused_writes_match_the_engines_own_server() {
    let pair = ServerPair::start().await;
    pair.expect_done("PutItem", request(json!({ "Item": item("a") }), json!({}))).await;
    let condition = json!({ "ConditionExpression": "attribute_not_exists(pk)" });
    for old in ["NONE", "ALL_OLD"] {
        let returned = json!({ "ReturnValuesOnConditionCheckFailure": old });
        let put = request(request(json!({ "Item": item("a") }), condition.clone()), returned.clone());
        pair.expect_refused("PutItem", put, "ConditionalCheckFailedException").await;
        let gone = request(request(json!({ "Key": key("a") }), condition.clone()), returned.clone());
        pair.expect_refused("DeleteItem", gone, "ConditionalCheckFailedException").await;
        let set = json!({ "Key": key("a"), "UpdateExpression": "REMOVE n" });
        let update = request(request(set, condition.clone()), returned);
        pair.expect_refused("UpdateItem", update, "ConditionalCheckFailedException").await;
    }
    let with_member = |name: &str, value: Value| {
        let mut item = item("b");
        item[name] = value;
        request(json!({ "Item": item }), json!({}))
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
        pair.expect_refused("PutItem", with_member(name, value), "ValidationException").await;
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
        let (status, _) = pair.expect_same("PutItem", request(json!({ "Item": item("b") }), more)).await;
        assert_eq!(status, 400);
    }
    for operation in ["PutItem", "GetItem", "DeleteItem", "UpdateItem", "Query"] {
        pair.expect_refused(operation, json!({ "TableName": TABLE }), "ValidationException").await;
        pair.expect_refused(operation, json!({}), "ValidationException").await;
    }
    for wrong in [json!({ "pk": { "S": "p" } }), json!({ "pk": { "S": "p" }, "sk": { "S": "a" }, "x": { "S": "a" } })] {
        pair.expect_refused("GetItem", request(json!({ "Key": wrong }), json!({})), "ValidationException").await;
    }
    let deep = (0..100).fold(json!({ "S": "x" }), |value, _| json!({ "M": { "x": value } }));
    pair.expect_refused("PutItem", with_member("x", deep), "ValidationException").await;
}

#[tokio::test]
async fn queries_and_scans_match_the_engines_own_server() {
    let pair = ServerPair::start().await;
    for sk in ["a#1", "a#2", "a#3", "b#1"] {
        pair.expect_done("PutItem", request(json!({ "Item": item(sk) }), json!({}))).await;
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
        pair.expect_done("Query", request(of_partition.clone(), more)).await;
    }
    let of_index = json!({
        "IndexName": "owner", "KeyConditionExpression": "#o = :o", "ExpressionAttributeNames": { "#o": "owner" },
        "ExpressionAttributeValues": { ":o": { "S": "o" } }, "ReturnConsumedCapacity": "INDEXES",
    });
    pair.expect_done("Query", request(of_index.clone(), json!({ "Limit": 3 }))).await;
    for more in [
        json!({ "ConsistentRead": true }),
        json!({ "IndexName": "absent" }),
        json!({ "Limit": 0 }),
        json!({ "KeyConditionExpression": "#o > :o" }),
        json!({ "KeyConditionExpression": "#o = " }),
        json!({ "ExclusiveStartKey": { "x": { "S": "y" } } }),
    ] {
        pair.expect_refused("Query", request(of_index.clone(), more), "ValidationException").await;
    }
    pair.expect_refused("Query", request(of_index, json!({ "TableName": "absent" })), "ResourceNotFoundException")
        .await;
    for more in [
        json!({}),
        json!({ "Limit": 3, "ReturnConsumedCapacity": "TOTAL" }),
        json!({ "Segment": 0, "TotalSegments": 2 }),
        json!({ "FilterExpression": "begins_with(sk, :b)", "ExpressionAttributeValues": { ":b": { "S": "b" } } }),
    ] {
        pair.expect_done("Scan", request(json!({}), more)).await;
    }
    pair.expect_refused("Scan", request(json!({ "Segment": 2 }), json!({})), "ValidationException").await;
}

#[tokio::test]
async fn batches_match_the_engines_own_server() {
    let pair = ServerPair::start().await;
    let puts = |count: usize| -> Vec<Value> {
        (0..count).map(|number| json!({ "PutRequest": { "Item": item(&format!("{number:03}")) } })).collect()
    };
    let write =
        |requests: Vec<Value>| json!({ "RequestItems": { TABLE: requests }, "ReturnConsumedCapacity": "TOTAL" });
    pair.expect_done("BatchWriteItem", write(puts(25))).await;
    let mixed = [puts(1), vec![json!({ "DeleteRequest": { "Key": key("001") } })]].concat();
    pair.expect_done("BatchWriteItem", write(mixed)).await;
    pair.expect_refused("BatchWriteItem", write(puts(26)), "ValidationException").await;
    pair.expect_refused("BatchWriteItem", write(vec![]), "ValidationException").await;
    pair.expect_refused("BatchWriteItem", write([puts(1), puts(1)].concat()), "ValidationException").await;
    let absent = json!({ "RequestItems": { "absent": puts(1) } });
    pair.expect_refused("BatchWriteItem", absent, "ResourceNotFoundException").await;

    let read = |keys: Vec<Value>| json!({ "RequestItems": { TABLE: { "Keys": keys, "ConsistentRead": true } }, "ReturnConsumedCapacity": "TOTAL" });
    let found = pair.expect_done("BatchGetItem", read(vec![key("000"), key("absent")])).await;
    assert_eq!(found["Responses"][TABLE].as_array().unwrap().len(), 1);
    pair.expect_refused("BatchGetItem", read(vec![]), "ValidationException").await;
    pair.expect_refused("BatchGetItem", read(vec![key("000"), key("000")]), "ValidationException").await;
    let many = (0..101).map(|number| key(&number.to_string())).collect();
    pair.expect_refused("BatchGetItem", read(many), "ValidationException").await;
}

#[tokio::test]
async fn transactions_match_the_engines_own_server() {
    let pair = ServerPair::start().await;
    let put = |sk: &str, more: Value| json!({ "Put": request(json!({ "Item": item(sk) }), more) });
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
    pair.expect_done("TransactWriteItems", first.clone()).await;
    // The same token is the same transaction; request other items it is refused.
    pair.expect_done("TransactWriteItems", first).await;
    let other = write(vec![put("c", json!({}))], "token");
    pair.expect_refused("TransactWriteItems", other, "IdempotentParameterMismatchException").await;

    for old in ["NONE", "ALL_OLD"] {
        let failing = request(is_new.clone(), json!({ "ReturnValuesOnConditionCheckFailure": old }));
        let check = json!({ "ConditionCheck": request(json!({ "Key": key("b") }), failing.clone()) });
        let items = vec![put("c", json!({})), put("a", failing), check];
        let refused = pair.expect_refused("TransactWriteItems", write(items, ""), "TransactionCanceledException").await;
        let codes: Vec<&str> =
            refused["CancellationReasons"].as_array().unwrap().iter().map(|it| it["Code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["None", "ConditionalCheckFailed", "ConditionalCheckFailed"]);
    }
    let update = json!({ "Update": request(json!({ "Key": key("a"), "UpdateExpression": "ADD nothing :n",
        "ExpressionAttributeValues": { ":n": { "N": "1" } } }), json!({})) });
    let gone = json!({ "Delete": request(json!({ "Key": key("b") }), json!({})) });
    pair.expect_refused("TransactWriteItems", write(vec![update, gone.clone()], ""), "TransactionCanceledException")
        .await;
    pair.expect_done("TransactWriteItems", write(vec![gone.clone()], "")).await;
    let nowhere = vec![put("x", json!({ "TableName": "absent" }))];
    let many = (0..101).map(|number| put(&number.to_string(), json!({}))).collect();
    for items in [vec![], vec![gone.clone(), gone], many, vec![json!({})], nowhere] {
        assert_eq!(pair.expect_same("TransactWriteItems", write(items, "")).await.0, 400);
    }
    pair.expect_refused("TransactWriteItems", write(vec![put("d", json!({}))], &"t".repeat(37)), "ValidationException")
        .await;
    let empty = json!({ "Put": { "TableName": TABLE, "Item": { "pk": { "S": "" }, "sk": { "S": "x" } } } });
    assert_eq!(pair.expect_same("TransactWriteItems", write(vec![empty], "")).await.0, 400);
}

#[tokio::test]
async fn unstorable_values_are_refused_in_transactions_and_batches() {
    let pair = ServerPair::start().await;
    for value in
        [json!({ "N": "ten" }), json!({ "N": "1e400" }), json!({ "SS": [] }), json!({ "NULL": false }), json!({})]
    {
        let mut wrong = item("a");
        wrong["x"] = value;
        let put = json!({ "Put": { "TableName": TABLE, "Item": wrong } });
        pair.send("TransactWriteItems", json!({ "TransactItems": [put] })).await.expect_same_error();
        let batch = json!({ "RequestItems": { TABLE: [{ "PutRequest": { "Item": wrong } }] } });
        pair.send("BatchWriteItem", batch).await.expect_same_error();
    }
}
