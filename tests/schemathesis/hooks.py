"""What generated calls need of the running service: credentials, and ids of things that exist.

Half of the calls are left as they were generated; the other half gets real ids, so that
successes are checked as well as refusals. What a call would use up (by deleting it, answering
it, signing it out) is made for that call, so calls do not depend on each other.

PLACET_FUZZ_BLOCK is the line that `placet-local --json` prints.
"""

import copy
import itertools
import json
import os
import random

import requests
import schemathesis

BLOCK = json.loads(os.environ["PLACET_FUZZ_BLOCK"])
URL, CHANNEL = BLOCK["url"], BLOCK["channelId"]
OWNER = {"email": BLOCK["email"], "password": BLOCK["password"]}
chance = random.Random(int(os.environ.get("SEED", "1")))
numbers = itertools.count()


def sign_in():
    response = requests.post(f"{URL}/api/auth/login", json=OWNER, timeout=30)
    response.raise_for_status()
    return response.cookies["access_token"]


session = sign_in()


def person_reads(path):
    response = requests.get(f"{URL}{path}", headers={"Authorization": f"Bearer {session}"}, timeout=30)
    response.raise_for_status()
    return response.json()


def agent_makes(path, **request):
    return made(path, BLOCK["apiKey"], request)


def person_makes(path, **request):
    return made(path, session, request)


def made(path, token, request):
    headers = {"Authorization": f"Bearer {token}"}
    response = requests.post(f"{URL}{path}", headers=headers, timeout=30, **request)
    assert response.ok, f"{path}: {response.status_code} {response.text}"
    return response.json()


def message():
    text = {"content": "# A file", "filename": "a.md"}
    return agent_makes("/api/v1/messages", json={"channelId": CHANNEL, "text": "Hello", "textAttachments": [text]})["id"]


def review():
    ask = {"type": "approval", "payload": {"allowComment": True}}
    return agent_makes("/api/v1/messages", json={"channelId": CHANNEL, "text": "May I?", "review": ask})["id"]


def answered():
    asked = review()
    person_makes(f"/api/messages/{asked}/respond", json={"response": {"selectedOption": "approve"}})
    return asked


def file():
    parts = {"file": ("a.txt", b"some bytes", "text/plain")}
    return agent_makes("/api/v1/files/store", files=parts, data={"channelId": CHANNEL})["id"]


def agent():
    return person_makes("/api/agents", json={"name": "A passing agent"})["id"]


def api_key():
    return person_makes("/api/api-keys", json={"label": "A passing key"})["id"]


def user():
    email = f"passing-{next(numbers)}@people.example"
    body = {"email": email, "password": "a password", "displayName": "A passing person", "role": "member"}
    return person_makes("/api/users", json=body)["id"]


def plugin():
    return chance.choice([it["name"] for it in person_reads("/api/plugins")])


def share_token():
    return person_reads(f"/api/files/{file()}/share")["url"].rsplit("/", 1)[1]


def stream():
    return f"draft-{chance.randrange(5)}"


# The first prefix that fits a path says what its id is, and how to make one.
IDS = [
    ("/api/v1/messages/streams/", stream),
    ("/api/v1/messages/", lambda: chance.choice([message, review, answered])()),
    ("/api/messages/", lambda: chance.choice([message, review, answered])()),
    ("/api/v1/reviews/", lambda: chance.choice([review, answered])()),
    ("/api/v1/files/", file),
    ("/api/files/", file),
    ("/api/v1/agents/", agent),
    ("/api/agents/", agent),
    ("/api/api-keys/", api_key),
    ("/api/users/", user),
    ("/api/v1/plugins/", plugin),
    ("/api/plugins/", plugin),
    ("/api/share/", share_token),
]

# Schemathesis also calls with ids that it saw in answers. These are what the calls themselves
# depend on: never changed, rotated or removed.
OWN = {CHANNEL, person_reads("/api/auth/me")["user"]["id"], *(key["id"] for key in person_reads("/api/api-keys"))}

# Calls that end the session they are made with get one of their own.
ENDING = {"/api/auth/logout", "/api/auth/refresh", "/api/auth/change-password"}
PUBLIC = {"/health", "/api/auth/login", "/api/openapi.json", "/api/docs"}


@schemathesis.hook
def before_call(context, case, kwargs):
    # Other calls are made of the same parts: what is filled in here must not leak into them.
    case.body = copy.deepcopy(case.body) if isinstance(case.body, (dict, list)) else case.body
    case.path_parameters = as_dict(case.path_parameters)
    authorize(case)
    # Nobody waits for an answer that no one will give.
    if case.path.endswith("/wait"):
        case.query = {**as_dict(case.query), "timeout": "50"}
    if case.method != "GET" and OWN.intersection(map(str, case.path_parameters.values())):
        fill_ids(case)
    if chance.random() < 0.5:
        fill_ids(case)
        fill_query(case)
        fill_body(case)


@schemathesis.hook
def after_call(context, case, response):
    global session
    if case.path == "/api/auth/change-password" and response.status_code == 200:
        session = sign_in()


def authorize(case):
    for name in ("Authorization", "x-api-key", "Cookie"):
        case.headers.pop(name, None)
    case.cookies.pop("access_token", None)
    if case.path in PUBLIC or case.path.startswith("/api/share/") or chance.random() < 0.05:
        return
    if case.path.startswith("/api/v1/"):
        if chance.random() < 0.5:
            case.headers["Authorization"] = f"Bearer {BLOCK['apiKey']}"
        else:
            case.headers["x-api-key"] = BLOCK["apiKey"]
        return
    token = sign_in() if case.path in ENDING else session
    if chance.random() < 0.5:
        case.headers["Authorization"] = f"Bearer {token}"
    else:
        case.cookies["access_token"] = token


def fill_ids(case):
    for name in as_dict(case.path_parameters):
        make = next((make for prefix, make in IDS if case.path.startswith(prefix)), None)
        assert make, f"{case.path}: tests/schemathesis/hooks.py does not know what {name} is"
        case.path_parameters[name] = make()


def fill_query(case):
    query = as_dict(case.query)
    if "channel" in query:
        query["channel"] = CHANNEL
    if "agentId" in query:
        query["agentId"] = CHANNEL
    for name in ("cursor", "type"):
        if name in query and chance.random() < 0.8:
            del query[name]
    case.query = query


def fill_body(case):
    body = case.body
    if not isinstance(body, dict):
        return
    for name in ("channelId", "agentId"):
        if name in body:
            body[name] = CHANNEL
    if "attachmentIds" in body:
        body["attachmentIds"] = [file()]
    if "modifiedFileIds" in body:
        body["modifiedFileIds"] = [file()]
    if "ids" in body:
        body["ids"] = [file(), file()]
    if "iterationOf" in body:
        body["iterationOf"] = answered()
    if case.path == "/api/auth/login":
        body.update(OWNER)
    if case.path == "/api/auth/change-password":
        body.update(currentPassword=OWNER["password"], newPassword=OWNER["password"])
    if case.path.endswith("/respond"):
        case.path_parameters["id"] = review()
        body["response"] = {"selectedOption": "approve"}


def as_dict(value):
    return dict(value) if hasattr(value, "keys") else {}
