//! Items of the embedded table: writes and reads are answered as the engine's own server answers
//! them.

use serde_json::{Value, json};

use crate::embedded::table::{Pair, TABLE, item, key, with};

#[tokio::test]
async fn item_calls_match_the_engines_own_server() {
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
async fn refused_writes_match_the_engines_own_server() {
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
async fn queries_and_scans_match_the_engines_own_server() {
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
async fn batches_match_the_engines_own_server() {
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
async fn transactions_match_the_engines_own_server() {
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
async fn unstorable_values_are_refused_in_transactions_and_batches() {
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
