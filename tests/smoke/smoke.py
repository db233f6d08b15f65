"""Deploys stacks to an AWS account, uses them as agents and people do, and deletes them: `make smoke`.

It takes about an hour and costs less than a dollar. With --emulator it runs the same steps on MiniStack, with the functions
that `make test-sam` has built. A step that fails is reported, and the stacks are deleted all the same.
"""

import argparse
import concurrent.futures
import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/sam"), str(ROOT / "tests/deploy"), str(ROOT / "infra")]

import deployed  # noqa: E402
import own_card  # noqa: E402
from deployed import emulator  # noqa: E402
from deployment import retained_data  # noqa: E402

BUILT = Path(os.environ.get("PLACET_BUILT_TEMPLATE", ROOT / ".aws-sam/build/template.yaml"))
WAITS = 10
MAX_HIDE = 43_200  # seconds; SQS counts them from the receipt, so exactly these are refused


class Failure(Exception):
    """What a step found, in one sentence."""


class Stack:
    """One stack, by the commands of infra/stack.py."""

    def __init__(self, name, target):
        self.name, self.target = name, target
        self.deployed = False

    def run(self, *arguments, said=""):
        command = [sys.executable, ROOT / "infra/stack.py", "--stack", self.name, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.target.env, input=said, text=True, capture_output=True)
        if done.returncode:
            raise Failure(f"stack.py {arguments[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout

    def deploy(self, *arguments):
        self.deployed = True
        return self.run("deploy", "--yes", *self.target.template, *arguments, *self.target.parameters)

    @property
    def described(self):
        return self.target.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]

    @property
    def outputs(self):
        return {it["OutputKey"]: it["OutputValue"] for it in self.described["Outputs"]}

    @property
    def parameters(self):
        return {it["ParameterKey"]: it["ParameterValue"] for it in self.described["Parameters"]}

    @property
    def url(self):
        outputs = self.outputs
        return self.target.url(outputs)

    def destroy(self):
        said = f"{self.name}\ndelete the data\n"
        restored = self.outputs.get("Table")
        self.run("destroy", "--with-data", said=said)
        # A restored table is not the stack's own.
        retained_data.delete_table(self.target.session, restored)
        self.deployed = False


class Account:
    """The account and the region of the environment."""
    template, parameters = [], []

    def __init__(self, env):
        self.env = env
        self.session = boto3.Session(region_name=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION"))

    def client(self, service):
        return self.session.client(service)

    def url(self, outputs):
        return outputs["Url"]

    def throttle(self, parameters, name):
        return NoThrottle()


class Emulator(Account):
    template = ["--template", str(BUILT)]
    parameters = ["DeletionProtection=false", "TlsOnly=false", "Notifications=true"]

    def __init__(self, endpoint, env):
        super().__init__(env | {"AWS_REGION": "us-east-1"})
        os.environ.update(AWS_ENDPOINT_URL=endpoint, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
        self.endpoint = endpoint

    def url(self, outputs):
        return f"{self.endpoint}/_aws/execute-api/{outputs['ApiId']}/$default"

    def throttle(self, parameters, name):
        return Throttle(float(parameters[f"{name}ThrottlingRate"]), float(parameters[f"{name}ThrottlingBurst"]))


class Throttle:
    """Admits requests of one route as the gateway does by the stack's parameters: a bucket of tokens. The emulator has no throttles."""

    def __init__(self, rate, burst):
        self.rate, self.burst, self.tokens = rate, burst, burst
        self.at, self.lock = time.monotonic(), threading.Lock()

    def admits(self):
        with self.lock:
            now = time.monotonic()
            self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
            self.at = now
            if self.tokens < 1:
                return False
            self.tokens -= 1
            return True


class NoThrottle:
    """AWS's gateway refuses by itself."""

    def admits(self):
        return True


# ------------------------------------------------------------------------------ HTTP


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirect)


def call(method, url, body=None, headers=None, timeout=40):
    """Status, headers and body of one request."""
    data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
    headers = ({"Content-Type": "application/json"} if isinstance(body, (dict, list)) else {}) | (headers or {})
    try:
        with OPENER.open(urllib.request.Request(url, data, headers, method=method), timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as err:
        return err.code, err.headers, err.read()


def expect(status, answer):
    if answer[0] != status:
        raise Failure(f"{answer[0]} instead of {status}: {answer[2][:500]!r}")
    return answer


class Use:
    """An agent and its person, on one stack."""

    def __init__(self, stack):
        self.url = stack.url
        # Where a browser would load the inbox from.
        url = urllib.parse.urlsplit(stack.outputs["Url"])
        self.origin = f"{url.scheme}://{url.netloc}"
        # The emulator serves APIs below a path, at an origin that the bucket of a deployment does not allow.
        self.is_emulated = "/_aws/execute-api/" in stack.url
        shown = dict(re.findall(r"^(Password|API key|Channel) +(\S+)$", stack.run("owner", "smoke@example.com"), re.M))
        self.key, self.channel = shown["API key"], shown["Channel"]
        answer = expect(200, call("POST", f"{self.url}/api/auth/login",
                                  {"email": "smoke@example.com", "password": shown["Password"]}))
        self.session = re.search(r"access_token=([^;]+)", answer[1]["set-cookie"])[1]

    def agent(self, method, path, body=None):
        return call(method, self.url + path, body, {"Authorization": f"Bearer {self.key}"})

    def person(self, method, path, body=None):
        return call(method, self.url + path, body, {"Authorization": f"Bearer {self.session}"})

    def page(self, path):
        return call("GET", self.url + path, headers={"Cookie": f"access_token={self.session}", "Accept": "text/html"})

    def ask(self):
        body = {"channelId": self.channel, "text": "Deploy?", "review": {"type": "approval"}}
        return json.loads(expect(201, self.agent("POST", "/api/v1/messages", body))[2])["id"]

    def wait(self, review, millis=25_000):
        path = f"/api/v1/reviews/{review}/wait?channel={self.channel}&timeout={millis}"
        return self.agent("GET", path)

    def wait_until_decided(self, review):
        """Waits again and again, as clients do: a small account holds a wait for a moment only, and admits few."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            answer = self.wait(review) if self.throttle.admits() else (429, {}, b"")
            if answer[0] == 429:
                time.sleep(0.5)
                continue
            waited = json.loads(expect(200, answer)[2])
            if waited["status"] != "timeout":
                return waited
        raise Failure("the review is not decided after a minute")

    def approve(self, review):
        return self.person("POST", f"/api/messages/{review}/respond", {"response": {"selectedOption": "approve"}})


# ------------------------------------------------------------------------------ steps


def approval(use):
    """An agent waits, and has the answer within two seconds of it."""
    review = use.ask()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(use.wait_until_decided, review)
        time.sleep(3)
        answered = time.monotonic()
        expect(201, use.approve(review))
        decided = waiting.result()
    took = time.monotonic() - answered
    # The throttles of an emulator's small account admit a wait in 3 s.
    if decided["status"] != "completed" or (took > 5 and not use.is_emulated):
        raise Failure(f"the wait gave {decided['status']} after {took:.1f} s")
    return f"{took:.2f} s from the answer to the agent"


def first_page(use):
    """The inbox takes three runs of functions: the page and what it links."""
    page = expect(200, use.page("/"))[2].decode()
    # What browsers load by themselves: not the icon of a home screen.
    linked = re.findall(r'<link rel="stylesheet" href="(/[^"]+)"|<link rel="icon" href="(/[^"]+)"|<script src="(/[^"]+)"|<img src="(/[^"]+)"', page)
    linked = {path for paths in linked for path in paths if path}
    for path in linked:
        caching = expect(200, use.page(path.replace("&#38;", "&")))[1]["cache-control"]
        if "immutable" not in caching:
            raise Failure(f"{path} is cached by {caching}")
    if len(linked) > 2:
        raise Failure(f"the page loads {sorted(linked)}")
    return f"{1 + len(linked)} runs"


def upload(use):
    """A browser's preflight and PUT to the bucket."""
    body = {"channelId": use.channel, "filename": "a.txt", "mimeType": "text/plain", "size": 5}
    made = json.loads(expect(201, use.agent("POST", "/api/v1/files/presign", body))[2])
    url, headers = made["upload"]["url"], made["upload"]["headers"]
    asked = {"Origin": use.origin, "Access-Control-Request-Method": "PUT",
             "Access-Control-Request-Headers": "content-type,if-none-match"}
    if not use.is_emulated:
        preflight = expect(200, call("OPTIONS", url, headers=asked))
        if preflight[1]["access-control-allow-origin"] != use.origin:
            raise Failure(f"{use.origin} is not the allowed origin")
    expect(200, call("PUT", url, b"bytes", headers | {"Origin": use.origin}))
    again = call("PUT", url, b"other", headers | {"Origin": use.origin})[0]
    if again != 412:
        raise Failure(f"a second upload was answered with {again}")
    return ("a PUT" if use.is_emulated else "a preflight and a PUT") + ", of which a second one is refused"


def own_plugin(stack, use):
    """`make deploy PLUGINS=DIR`: a plugin without a build, until a deployment without it."""
    with own_card.directory() as directory:
        stack.deploy("--plugins", directory)
    described = json.loads(expect(200, use.agent("GET", "/api/v1/plugins/own-card"))[2])
    review = {"type": "own-card", "payload": {"title": "T"}}
    sent = json.loads(expect(201, use.agent("POST", "/api/v1/messages", {"channelId": use.channel, "review": review}))[2])
    if sent["metadata"] != {"plugin": "own-card"}:
        raise Failure(f"the message has the metadata {sent['metadata']}")
    expect(200, use.person("GET", "/api/plugins/own-card/render"))
    stack.deploy()
    expect(404, use.agent("GET", "/api/v1/plugins/own-card"))
    return described["displayName"]


# The suite makes many calls at once, from one address, with wrong passwords.
FOR_THE_SUITE = {
    "LimitSignInsBySource": "false", "EnableSockets": "true", "AllowedOrigins": deployed.ORIGIN,
    "ThrottlingRate": "1000", "ThrottlingBurst": "1000", "MaxWaitMs": "28500",
    "McpThrottlingRate": "1000", "McpThrottlingBurst": "1000", "WaitThrottlingRate": "1000", "WaitThrottlingBurst": "1000", "SignInThrottlingRate": "100", "SignInThrottlingBurst": "100"}


def http_tests(use, stack):
    """The HTTP tests against the stack's URL; `make test-sam` runs them on the emulator."""
    if isinstance(stack.target, Emulator):
        return "not here: make test-sam"
    if use.limit < 100:
        return f"not with an account's concurrency of {use.limit}"
    before = stack.parameters
    stack.deploy(*(f"{key}={value}" for key, value in FOR_THE_SUITE.items()))
    try:
        environment = deployed.describe(stack.target.client, stack.name, stack.outputs, stack.url)
        if deployed.run_tests(stack.target.env | environment, []):
            raise Failure("tests failed, see above")
    finally:
        stack.deploy(*(f"{key}={before[key]}" for key in FOR_THE_SUITE))


def long_hide(stack):
    """What SQS refuses: a message that is hidden for exactly twelve hours after its receipt."""
    sqs, queue = stack.target.client("sqs"), stack.outputs["DeadLetters"]
    sqs.send_message(QueueUrl=queue, MessageBody="smoke")
    letter = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]
    hide = lambda seconds: sqs.change_message_visibility(
        QueueUrl=queue, ReceiptHandle=letter["ReceiptHandle"], VisibilityTimeout=seconds)
    hide(MAX_HIDE - 60)
    try:
        hide(MAX_HIDE)
        refused = "accepted (real SQS refuses it)"
    except sqs.exceptions.ClientError as err:
        refused = f"refused: {err.response['Error']['Code']}"
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=letter["ReceiptHandle"])
    return f"{MAX_HIDE - 60} s accepted, {MAX_HIDE} s {refused}"


def waits_and_a_page(use):
    """Agents wait in a loop while a person loads the inbox and an MCP client begins. Refused requests are repeated, as clients do,
    but not the first of the MCP client, which would give up."""
    limit = use.limit
    reviews = [use.ask() for _ in range(WAITS)]
    refused = []

    def patiently(request):
        for attempt in range(30):
            answer = request()
            if answer[0] not in (429, 500, 502, 503):
                return answer
            refused.append(answer[0])
            time.sleep(0.2 + 0.1 * attempt)
        raise Failure(f"30 refusals, the last with {answer[0]}")

    def until_decided(review):
        until = time.monotonic() + 240
        while time.monotonic() < until:
            answer = use.wait(review, 8_000) if use.throttle.admits() else (429, {}, b"")
            if answer[0] != 200:
                # A refused wait takes a short look instead.
                refused.append(answer[0])
                time.sleep(2)
                answer = patiently(lambda: use.agent("GET", f"/api/v1/reviews/{review}?channel={use.channel}"))
            body = json.loads(expect(200, answer)[2])
            if (body.get("review") or body)["status"] == "completed":
                return
        raise Failure("a review is not completed after four minutes")

    with concurrent.futures.ThreadPoolExecutor(WAITS) as pool:
        waits = [pool.submit(until_decided, review) for review in reviews]
        time.sleep(2)
        began = time.monotonic()
        expect(200, patiently(lambda: use.page("/")))
        took = time.monotonic() - began
        begin_mcp(use)
        for review in reviews:
            expect(201, patiently(lambda it=review: use.approve(it)))
        for waiting in waits:
            waiting.result()
    return f"{WAITS} waits, account's concurrency {limit}: the page after {took:.1f} s, {len(refused)} requests repeated"


def begin_mcp(use):
    """The first calls of an MCP client."""
    about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "smoke", "version": "1"}}
    for number, (method, params, status) in enumerate((
            ("initialize", about, 200), ("notifications/initialized", {}, 202), ("tools/list", {}, 200),
            ("tools/call", {"name": "get_pending_reviews", "arguments": {"channelId": use.channel}}, 200))):
        body = {"jsonrpc": "2.0", "method": method, "params": params} | ({} if status == 202 else {"id": number})
        answer = use.agent("POST", "/mcp", body) if use.mcp_throttle.admits() else (429, {}, b"")
        expect(status, answer)


def taken_along(first, second, use):
    """The agent and the person of one stack on another, with all they have."""
    review = use.ask()
    with tempfile.TemporaryDirectory() as folder:
        first.run("export", folder)
        counted = second.run("import", folder).splitlines()[0]
    there = copy.copy(use)
    there.url = second.url
    expect(201, there.approve(review))
    if json.loads(expect(200, there.wait(review))[2])["status"] != "completed":
        raise Failure("the review is not completed on the second stack")
    return counted


def restored(stack, use):
    """The same URL, key and messages after a restore."""
    review, before = use.ask(), stack.outputs
    if isinstance(stack.target, Account) and not isinstance(stack.target, Emulator):
        time.sleep(360)  # the latest restorable time lags by five minutes
    stack.run("restore", "--yes", *stack.target.template, *stack.target.parameters)
    after = stack.outputs
    if after["ApiId"] != before["ApiId"] or after["Table"] == before["Table"]:
        raise Failure("the stack has another URL, or its old table")
    expect(201, use.approve(review))
    retained_data.delete_table(stack.target.session, before["Table"])
    return after["Table"]


# ------------------------------------------------------------------------------ the run


def steps(target, architectures):
    name = f"smoke{int(time.time()) % 1_000_000}"
    first, second = Stack(f"{name}a", target), Stack(f"{name}b", target)
    state = {}

    def owner():
        state["use"] = use = Use(first)
        use.throttle = target.throttle(first.parameters, "Wait")
        use.mcp_throttle = target.throttle(first.parameters, "Mcp")
        use.limit = target.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
        return use.url

    for architecture in architectures:
        yield f"deploy on {architecture}", lambda it=architecture: first.deploy("--architecture", it) and first.name
    yield "owner", owner
    yield "approval", lambda: approval(state["use"])
    yield "first page", lambda: first_page(state["use"])
    yield "upload", lambda: upload(state["use"])
    yield "own plugin", lambda: own_plugin(first, state["use"])
    yield "HTTP tests", lambda: http_tests(state["use"], first)
    yield "long hide", lambda: long_hide(first)
    yield "ten waits and a page", lambda: waits_and_a_page(state["use"])
    yield "second stack", lambda: second.deploy() and second.url
    yield "export and import", lambda: taken_along(first, second, state["use"])
    yield "restore", lambda: restored(first, state["use"])
    for stack in (second, first):
        yield f"destroy {stack.name}", lambda it=stack: it.destroy() if it.deployed else "it was not deployed"


def run(target, architectures):
    failed = 0
    for name, step in steps(target, architectures):
        began = time.monotonic()
        try:
            result = step() or "done"
        except Exception as err:  # a step must not keep the next ones from deleting what it made
            failed += 1
            result = f"FAILED: {err if isinstance(err, Failure) else repr(err)}"
        print(f"{name}: {result} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"smoke: {failed} steps failed", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--emulator", action="store_true", help="on MiniStack, with an account's concurrency of 10")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        env = os.environ | {"PLACET_STACK_CONFIG": directory}
        if not args.emulator:
            sys.exit(1 if run(Account(env), ["x86_64", "arm64"]) else 0)
        if not BUILT.exists():
            sys.exit("There are no built functions: run `make test-sam` or `tests/sam.sh --prepare` first.")
        with emulator(False, {"LAMBDA_ACCOUNT_CONCURRENCY": "10"}) as (endpoint, emulated):
            target = Emulator(endpoint, emulated | {"PLACET_STACK_CONFIG": directory})
            sys.exit(1 if run(target, ["x86_64"]) else 0)


if __name__ == "__main__":
    main()
