"""Tries to read files and make calls on a running placet-local as another user; prints the outcomes as JSON.

The argument is JSON: `control` is a world-readable file; `files` and `directory` belong to the runner.
"""

import http.client
import json
import os
import sys


def signed(service):
    scope = f"20260101/us-east-1/{service}/aws4_request"
    return {
        "X-Amz-Date": "20260101T000000Z", "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD",
        "Authorization": f"AWS4-HMAC-SHA256 Credential=test/{scope}, SignedHeaders=host, Signature={'0' * 64}",
    }


def outcome(action):
    try:
        action()
        return "done"
    except OSError as err:
        return type(err).__name__


def files(it):
    process = f"/proc/{it['process']}"
    planted = os.path.join(it["directory"], "planted")
    return {
        it["control"]: outcome(lambda: open(it["control"]).read()),
        it["directory"]: outcome(lambda: os.listdir(it["directory"])),
        planted: outcome(lambda: open(planted, "w")),
        **{path: outcome(lambda: open(path, "rb").read(1)) for path in it["files"]},
        **{f"{process}/{name}": outcome(lambda: open(f"{process}/{name}", "rb").read(1)) for name in ("environ", "mem", "maps")},
        f"{process}/fd": outcome(lambda: os.listdir(f"{process}/fd")),
        f"{process}/cwd": outcome(lambda: os.readlink(f"{process}/cwd")),
    }


def requests(it):
    answer = json.dumps({"response": {"selectedOption": "approve"}})
    as_json = {"Content-Type": "application/json"}
    yield "GET", "/", {}, None
    yield "GET", "/login", {"Host": "placet.localhost"}, None
    yield "GET", f"/reviews/{it['review']}", {}, None
    yield "POST", f"/reviews/{it['review']}", {"Content-Type": "application/x-www-form-urlencoded"}, "option=approve"
    yield "POST", f"/api/messages/{it['review']}/respond", as_json, answer
    for path in (f"/api/v1/reviews/{it['review']}", "/api/v1/messages", "/api/auth/me", "/api/files", "/api/logs"):
        yield "GET", path, {}, None
    for service, target in (
        ("dynamodb", "DynamoDB_20120810.ListTables"),
        ("dynamodb", "DynamoDBStreams_20120810.ListStreams"),
        ("sqs", "AmazonSQS.ListQueues"),
    ):
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0", **signed(service)}
        yield "POST", "/", headers, "{}"
    for headers in ({}, signed("s3")):
        for path in ("/placet", f"/placet/{it['file']}", f"/{it['file']}"):
            yield "GET", path, headers, None
            yield "PUT", path, headers, "other bytes"
            yield "DELETE", path, headers, None


def call(port, method, path, headers, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return {
        "request": f"{method} {path} {headers}", "port": port, "status": response.status,
        "answer": f"{response.getheaders()}{response.read().decode(errors='replace')}",
    }


it = json.loads(sys.argv[1])
print(json.dumps({
    "user": os.getuid(),
    "files": files(it),
    "calls": [call(port, *request) for port in it["ports"] for request in requests(it)],
}))
