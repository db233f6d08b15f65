"""Processes again what the function Events could not process: the records of the table's stream that Lambda has written to the
bucket after the last attempt, whole."""

import json

PREFIX = "aws/lambda/"  # chosen by Lambda; the mapping's id, the shard and the time follow


def redrive(session, function, bucket):
    """Invokes the function with the records of each object, oldest first, and deletes those that it processed. Returns how
    many were processed and how many remain."""
    s3 = session.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PREFIX)
    letters = [it for page in pages for it in page.get("Contents", [])]
    processed = 0
    for letter in sorted(letters, key=lambda it: it["LastModified"]):
        body = s3.get_object(Bucket=bucket, Key=letter["Key"])["Body"].read()
        failure = _process(session, function, json.loads(body)["payload"])
        if failure:
            print(f"{letter['Key']}: {failure}")
            continue
        s3.delete_object(Bucket=bucket, Key=letter["Key"])
        processed += 1
    return processed, len(letters) - processed


def _process(session, function, event):
    """Why the records could not be processed; None if they were."""
    payload = event if isinstance(event, str) else json.dumps(event)
    answer = session.client("lambda").invoke(FunctionName=function, Payload=payload)
    result = json.loads(answer["Payload"].read() or "null") or {}
    if answer.get("FunctionError"):
        return f"the function failed: {result.get('errorMessage', 'see its log')}"
    failures = result.get("batchItemFailures", [])
    return f"the function failed from {failures[0]['itemIdentifier']} on: see its log" if failures else None
