"""An agent that asks a person before it deploys.

It uploads a file, sends a message, asks for an approval with the file attached, waits for the
answer, downloads the file again and reports its status.

    pip install requests
    PLACET_URL=... PLACET_API_KEY=... PLACET_CHANNEL=... python approval.py
"""

import os
import sys
import uuid

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

URL = os.environ["PLACET_URL"].rstrip("/")
CHANNEL = os.environ["PLACET_CHANNEL"]

# The gateway answers 429 above its rate, and the service 503 while storage is unavailable. Repeating a call is safe:
# each message has a clientId.
RETRIES = Retry(total=8, backoff_factor=0.5, status_forcelist=[429, 500, 502, 503, 504], allowed_methods=None,
                raise_on_status=False)

PLAN = """# Release 2.0

| step | minutes |
|---|---|
| migrate the database | 3 |
| restart the workers | 1 |
"""


def main() -> int:
    placet = requests.Session()
    placet.mount(URL, HTTPAdapter(max_retries=RETRIES))
    release = uuid.uuid4()
    placet.headers["Authorization"] = f"Bearer {os.environ['PLACET_API_KEY']}"

    def call(method: str, path: str, **options) -> requests.Response:
        options.setdefault("timeout", 40)
        response = placet.request(method, URL + path, **options)
        if not response.ok:
            sys.exit(f"{method} {path}: {response.status_code} {response.text}")
        return response

    def report(status: str, message: str) -> None:
        call("POST", "/api/v1/status/ping", json={"agentId": CHANNEL, "status": status, "message": message})

    report("busy", "preparing release 2.0")

    # 1. A file, stored for a later message.
    plan = call(
        "POST",
        "/api/v1/files/store",
        data={"channelId": CHANNEL},
        files={"file": ("plan.md", PLAN.encode(), "text/markdown")},
    ).json()
    print("stored", plan["filename"], plan["id"])

    # 2. A message that wants nothing.
    built = {"channelId": CHANNEL, "clientId": f"built-{release}", "text": "Release 2.0 is built.", "status": "success"}
    call("POST", "/api/v1/messages", json=built)

    # 3. The question. With a clientId, sending it again after a lost connection asks only once.
    question = call(
        "POST",
        "/api/v1/messages",
        json={
            "channelId": CHANNEL,
            "clientId": f"release-2.0-{release}",
            "text": "May I deploy release 2.0 to production?",
            "attachmentIds": [plan["id"]],
            "review": {"type": "approval", "expiresInSeconds": 3600},
        },
    ).json()
    print("asked; waiting for somebody to answer in the inbox")

    # 4. Wait. One call holds for up to half a minute; ask again until it is decided.
    while True:
        decision = call(
            "GET",
            f"/api/v1/reviews/{question['id']}/wait",
            params={"channel": CHANNEL, "timeout": 25_000},
        ).json()
        if decision["status"] != "timeout":
            break

    # Only an answer allows anything: an expired or cancelled review does not.
    if decision["status"] != "completed":
        report("error", f"release 2.0: not allowed, the request is {decision['status']}")
        print("not allowed: the request is", decision["status"])
        return 1
    review = decision["message"]["review"]
    print("decided:", review["response"]["selectedOption"], "-", review["feedback"] or "no feedback")

    # 5. The file, as the message holds it.
    held = decision["message"]["attachments"][0]
    content = call("GET", f"/api/v1/files/{held['id']}/download").text
    assert content == PLAN, "the file came back changed"

    # 6. What became of it.
    report("active", f"release 2.0: {review['response']['selectedOption']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
