"""Fills in generated calls to the running service: credentials, and ids of existing resources.

Half of the calls are left as generated; the other half gets real ids, so that successes are checked
as well as errors. Resources that a call consumes, by deleting, answering or signing out, are created
for that call, so that calls do not depend on each other. Resources that are only read or changed are
created once. URLs in bodies are replaced, so that the service calls only itself.

The values depend on SEED and on the generated call, but not on the order of calls, which several
workers make.

PLACET_FUZZ_STARTUP is the line that `placet-local --json` prints.
"""

import copy
import itertools
import json
import os
import random
import threading

import requests
import schemathesis

STARTUP = json.loads(os.environ["PLACET_FUZZ_STARTUP"])
URL, CHANNEL = STARTUP["url"], STARTUP["channelId"]
OWNER = {"email": STARTUP["email"], "password": STARTUP["password"]}
PASSWORD = "a password"
SEED = os.environ.get("SEED", "1")
numbers = itertools.count()


def sign_in(account):
    response = requests.post(f"{URL}/api/auth/login", json=account, timeout=30)
    response.raise_for_status()
    return response.cookies["access_token"]


session = sign_in(OWNER)


def read_as_person(path):
    response = requests.get(f"{URL}{path}", headers={"Authorization": f"Bearer {session}"}, timeout=30)
    response.raise_for_status()
    return response.json()


def create_as_agent(path, **request):
    return create(path, STARTUP["apiKey"], request)


def create_as_person(path, **request):
    return create(path, session, request)


def create(path, token, request):
    headers = {"Authorization": f"Bearer {token}"}
    response = requests.post(f"{URL}{path}", headers=headers, timeout=30, **request)
    assert response.ok, f"{path}: {response.status_code} {response.text}"
    return response.json()


def message():
    text = {"content": "# A file", "filename": "a.md"}
    return create_as_agent("/api/v1/messages", json={"channelId": CHANNEL, "text": "Hello", "textAttachments": [text]})["id"]


def review():
    definition = {"type": "approval", "payload": {"allowComment": True}}
    return create_as_agent("/api/v1/messages", json={"channelId": CHANNEL, "text": "May I?", "review": definition})["id"]


def answered_review():
    message = review()
    create_as_person(f"/api/messages/{message}/respond", json={"response": {"selectedOption": "approve"}})
    return message


def file():
    parts = {"file": ("a.txt", b"some bytes", "text/plain")}
    return create_as_agent("/api/v1/files/store", files=parts, data={"channelId": CHANNEL})["id"]


def agent():
    return create_as_person("/api/agents", json={"name": "A temporary agent"})["id"]


def api_key():
    return create_as_person("/api/api-keys", json={"label": "A temporary key"})["id"]


def user():
    email = f"temporary-{next(numbers)}@people.example"
    body = {"email": email, "password": PASSWORD, "displayName": "A temporary person", "role": "member"}
    return create_as_person("/api/users", json=body)["id"]


def separate_person():
    """An account that no generated call changes, with its own session."""
    account = {"email": email_of(user()), "password": PASSWORD}
    return account, sign_in(account)


def email_of(id):
    return next(it["email"] for it in read_as_person("/api/users") if it["id"] == id)


def plugins():
    return [it["name"] for it in read_as_person("/api/plugins")]


def share_token():
    return read_as_person(f"/api/files/{file()}/share")["url"].rsplit("/", 1)[1]


# For the first matching prefix of a path: functions that create its ids.
IDS = [
    ("/api/v1/messages/streams/", [lambda n=n: f"stream-{n}" for n in range(5)]),
    ("/api/v1/messages/", [message, review, answered_review]),
    ("/api/messages/", [message, review, answered_review]),
    ("/api/v1/reviews/", [review, answered_review]),
    ("/api/v1/files/", [file]),
    ("/api/files/", [file]),
    ("/api/v1/agents/", [agent]),
    ("/api/agents/", [agent]),
    ("/api/api-keys/", [api_key]),
    ("/api/users/", [user]),
    # Ids of nothing: a session that ends would end the calls that follow, and no browser is subscribed.
    ("/api/auth/sessions/", [lambda: "unknown"]),
    ("/api/push/devices/", [lambda: "unknown"]),
    ("/api/logs/", [lambda: read_as_person("/api/logs")["data"][0]["id"]]),
    ("/api/v1/plugins/", [lambda name=name: name for name in plugins()]),
    ("/api/plugins/", [lambda name=name: name for name in plugins()]),
    ("/api/share/", [share_token]),
]

# Resources that calls share because they do not consume them.
shared = {}
shared_lock = threading.Lock()


def get_shared(make):
    with shared_lock:
        if make not in shared:
            shared[make] = make()
        return shared[make]


def consumes_resource(case):
    return case.method == "DELETE" or case.path.endswith(("/rotate", "/respond"))

# Resources that calls depend on, and must not change or delete if their ids are generated.
OWN = {CHANNEL, read_as_person("/api/auth/me")["user"]["id"], *(key["id"] for key in read_as_person("/api/api-keys"))}

# A person whose password is changed, which ends all other sessions, and a person whose sessions end.
CHANGING, changing_session = separate_person()
LEAVING, _ = separate_person()
ENDING = {"/api/auth/logout", "/api/auth/refresh"}
PUBLIC = {"/health", "/api/auth/login", "/api/openapi.json", "/api/docs"}


@schemathesis.hook
def before_call(context, case, kwargs):
    # Generated parts are shared between calls, so they are copied before they are filled in.
    case.body = copy.deepcopy(case.body) if isinstance(case.body, (dict, list)) else case.body
    case.path_parameters = as_dict(case.path_parameters)
    generated = (case.method, case.path, case.path_parameters, as_dict(case.query), case.body)
    chance = random.Random(f"{SEED} {generated!r}")
    authorize(case, chance)
    case.body = with_own_urls(case.body)
    if case.method != "GET" and OWN.intersection(map(str, case.path_parameters.values())):
        fill_ids(case, chance)
    if chance.random() < 0.5:
        fill_ids(case, chance)
        fill_query(case, chance)
        fill_body(case)


def authorize(case, chance):
    for name in ("Authorization", "x-api-key", "Cookie"):
        case.headers.pop(name, None)
    case.cookies.pop("access_token", None)
    if case.path in PUBLIC or case.path.startswith("/api/share/") or chance.random() < 0.05:
        return
    if case.path.startswith("/api/v1/"):
        if chance.random() < 0.5:
            case.headers["Authorization"] = f"Bearer {STARTUP['apiKey']}"
        else:
            case.headers["x-api-key"] = STARTUP["apiKey"]
        return
    token = session_for(case)
    if chance.random() < 0.5:
        case.headers["Authorization"] = f"Bearer {token}"
    else:
        case.cookies["access_token"] = token


def session_for(case):
    if case.path in ENDING:
        return sign_in(LEAVING)
    return changing_session if case.path == "/api/auth/change-password" else session


def with_own_urls(value):
    """Replaces each URL with one of the service itself."""
    if isinstance(value, dict):
        return {name: with_own_urls(it) for name, it in value.items()}
    if isinstance(value, list):
        return [with_own_urls(it) for it in value]
    is_url = isinstance(value, str) and value.lower().startswith(("http://", "https://"))
    return f"{URL}/health" if is_url else value


def fill_ids(case, chance):
    for name in as_dict(case.path_parameters):
        makes = next((makes for prefix, makes in IDS if case.path.startswith(prefix)), None)
        assert makes, f"{case.path}: tests/schemathesis/hooks.py has no entry for {name}"
        make = chance.choice(makes)
        case.path_parameters[name] = make() if consumes_resource(case) else get_shared(make)


def fill_query(case, chance):
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
        body["iterationOf"] = answered_review()
    if case.path == "/api/auth/login":
        body.update(OWNER)
    if case.path == "/api/auth/change-password":
        body.update(currentPassword=PASSWORD, newPassword=PASSWORD)
    if case.path == "/api/plugins/{name}/fetch":
        body["url"] = f"{URL}/health"
    if case.path.endswith("/respond"):
        case.path_parameters["id"] = review()
        body["response"] = {"selectedOption": "approve"}


def as_dict(value):
    return dict(value) if hasattr(value, "keys") else {}
