"""Processes again what the function Events could not process: the records of the table's stream that its dead letters name.

A dead letter names a shard and sequence numbers. The stream keeps their records for 24 hours.
"""

import base64
import json
from datetime import datetime

from botocore.exceptions import ClientError


def redrive(session, function, queue):
    """Invokes the function with the records of each dead letter, and deletes those that it processed. Returns how many were
    processed and how many remain."""
    sqs = session.client("sqs")
    processed, seen = 0, set()
    # A letter that remains is invisible meanwhile, so that it is received once.
    while letters := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=120).get("Messages"):
        for letter in letters:
            if letter["MessageId"] in seen:
                continue
            seen.add(letter["MessageId"])
            batch = json.loads(letter["Body"])["DDBStreamBatchInfo"]
            failure = _process(session, function, batch)
            if failure:
                print(f"{batch['shardId']} from {batch['startSequenceNumber']}: {failure}")
                continue
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=letter["ReceiptHandle"])
            processed += 1
    return processed, len(seen) - processed


def _process(session, function, batch):
    """Why the records could not be processed; None if they were."""
    try:
        records = list(_records(session, batch))
    except ClientError as err:
        if err.response["Error"]["Code"] in ("TrimmedDataAccessException", "ResourceNotFoundException"):
            return "the stream has its records no more; repeat what they caused, or purge the queue"
        raise
    event = {"Records": [_as_event(record, batch["streamArn"], session.region_name) for record in records]}
    answer = session.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event, default=_plain))
    result = json.loads(answer["Payload"].read() or "null") or {}
    if answer.get("FunctionError"):
        return f"the function failed: {result.get('errorMessage', 'see its log')}"
    failures = result.get("batchItemFailures", [])
    return f"the function failed from {failures[0]['itemIdentifier']} on: see its log" if failures else None


def _records(session, batch):
    """The stream's records from the first to the last that the dead letter names."""
    client = session.client("dynamodbstreams")
    first, last = int(batch["startSequenceNumber"]), int(batch["endSequenceNumber"])
    iterator = client.get_shard_iterator(
        StreamArn=batch["streamArn"], ShardId=batch["shardId"], ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=batch["startSequenceNumber"])["ShardIterator"]
    while iterator:
        page = client.get_records(ShardIterator=iterator)
        for record in page["Records"]:
            if int(record["dynamodb"]["SequenceNumber"]) > last:
                return
            if int(record["dynamodb"]["SequenceNumber"]) >= first:
                yield record
        if page["Records"] and int(page["Records"][-1]["dynamodb"]["SequenceNumber"]) >= last:
            return
        iterator = page.get("NextShardIterator")


def _as_event(record, stream, region):
    return record | {"eventSourceARN": stream, "awsRegion": region}


def _plain(value):
    """Times and bytes as Lambda writes them."""
    if isinstance(value, datetime):
        return int(value.timestamp())
    return base64.b64encode(value).decode()
