"""What generated calls need of the running service: credentials, and ids of things that exist.

Half of the calls are left as they were generated; the other half gets real ids, so that
successes are checked as well as refusals. What a call would use up (by deleting it, answering
it, signing it out) is made for that call, so calls do not depend on each other; what is only
read or changed is made once. No call has the service call anybody but itself.

What is filled in follows from SEED and from the call as it was generated, never from the order
of calls: several workers make them.

PLACET_FUZZ_BLOCK is the line that `placet-local --json` prints.
"""

import copy
import itertools
import json
import os
import random
import threading

import requests
import schemathesis

BLOCK = json.loads(os.environ["PLACET_FUZZ_BLOCK"])
URL, CHANNEL = BLOCK["url"], BLOCK["channelId"]
OWNER = {"email": BLOCK["email"], "password": BLOCK["password"]}
PASSWORD = "a password"
SEED = os.environ.get("SEED", "1")
numbers = itertools.count()


def sign_in(account):
    response = requests.post(f"{URL}/api/auth/login", json=account, timeout=30)
    response.raise_for_status()
    return response.cookies["access_token"]


session = sign_in(OWNER)


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
    body = {"email": email, "password": PASSWORD, "displayName": "A passing person", "role": "member"}
    return person_makes("/api/users", json=body)["id"]


def person_of_their_own():
    """An account that no generated call changes, with its own session."""
    account = {"email": person_named(user()), "password": PASSWORD}
    return account, sign_in(account)


def person_named(id):
    return next(it["email"] for it in person_reads("/api/users") if it["id"] == id)


def plugins():
    return [it["name"] for it in person_reads("/api/plugins")]


def share_token():
    return person_reads(f"/api/files/{file()}/share")["url"].rsplit("/", 1)[1]


# The first prefix that fits a path says what its id may be, and how each is made.
IDS = [
    ("/api/v1/messages/streams/", [lambda n=n: f"draft-{n}" for n in range(5)]),
    ("/api/v1/messages/", [message, review, answered]),
    ("/api/messages/", [message, review, answered]),
    ("/api/v1/reviews/", [review, answered]),
    ("/api/v1/files/", [file]),
    ("/api/files/", [file]),
    ("/api/v1/agents/", [agent]),
    ("/api/agents/", [agent]),
    ("/api/api-keys/", [api_key]),
    ("/api/users/", [user]),
    ("/api/v1/plugins/", [lambda name=name: name for name in plugins()]),
    ("/api/plugins/", [lambda name=name: name for name in plugins()]),
    ("/api/share/", [share_token]),
]

# What was made once for all calls that leave it there.
kept = {}
keeping = threading.Lock()


def once(make):
    with keeping:
        if make not in kept:
            kept[make] = make()
        return kept[make]


def uses_up(case):
    return case.method == "DELETE" or case.path.endswith(("/rotate", "/respond"))

# What the calls themselves depend on, should its id be generated: never changed or removed.
OWN = {CHANNEL, person_reads("/api/auth/me")["user"]["id"], *(key["id"] for key in person_reads("/api/api-keys"))}

# Whose password is changed, which ends all their sessions but one; and whose sessions end.
CHANGING, changing_session = person_of_their_own()
LEAVING, _ = person_of_their_own()
ENDING = {"/api/auth/logout", "/api/auth/refresh"}
PUBLIC = {"/health", "/api/auth/login", "/api/openapi.json", "/api/docs"}


@schemathesis.hook
def before_call(context, case, kwargs):
    # Other calls are made of the same parts: what is filled in here must not leak into them.
    case.body = copy.deepcopy(case.body) if isinstance(case.body, (dict, list)) else case.body
    case.path_parameters = as_dict(case.path_parameters)
    generated = (case.method, case.path, case.path_parameters, as_dict(case.query), case.body)
    chance = random.Random(f"{SEED} {generated!r}")
    authorize(case, chance)
    case.body = staying_here(case.body)
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
            case.headers["Authorization"] = f"Bearer {BLOCK['apiKey']}"
        else:
            case.headers["x-api-key"] = BLOCK["apiKey"]
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


def staying_here(value):
    """The same with each URL replaced by one of the service itself."""
    if isinstance(value, dict):
        return {name: staying_here(it) for name, it in value.items()}
    if isinstance(value, list):
        return [staying_here(it) for it in value]
    is_url = isinstance(value, str) and value.lower().startswith(("http://", "https://"))
    return f"{URL}/health" if is_url else value


def fill_ids(case, chance):
    for name in as_dict(case.path_parameters):
        makes = next((makes for prefix, makes in IDS if case.path.startswith(prefix)), None)
        assert makes, f"{case.path}: tests/schemathesis/hooks.py does not know what {name} is"
        make = chance.choice(makes)
        case.path_parameters[name] = make() if uses_up(case) else once(make)


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
        body["iterationOf"] = answered()
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
