"""Deploys the stack to MiniStack and runs the HTTP tests through its API gateway."""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from contextlib import contextmanager
from pathlib import Path

import boto3

import mail
from calls import answer, request, status

ROOT = Path(__file__).resolve().parent.parent.parent
SKIPPED = ROOT / "tests/sam/skipped.txt"
SIZES = ROOT / "tests/sam/sizes.json"
MAX_ZIPPED = 5_000_000
MAX_GROWTH = 1.1  # of a binary built without optimisation
STACK = "placet-local"  # as in samconfig.toml for the environment `local`
IN_PROCESS = "In the process of the tests: "  # the beginning of a reason in SKIPPED
ORIGIN = "https://app.example.com"  # AllowedOrigins in samconfig.toml for the same environment
BIN = Path(sys.executable).parent
# The time limit of the tests in seconds: a run with a hanging test fails with a message.
LIMIT = int(os.environ.get("PLACET_TEST_LIMIT", "1500"))
# Built as part of the whole workspace, so that its build is reused.
TESTS = ["cargo", "test", "--workspace", "--features", "placet-tests/deployed", "--test", "http", "--test", "deployed"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tests", nargs="*", help="run only tests whose names contain one of these")
    parser.add_argument("--keep", action="store_true", help="leave the emulator running and print how to reach it")
    args = parser.parse_args()
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"sam: stopped after {LIMIT} s: a test hangs"))
    with emulator(args.keep) as (endpoint, env):
        step("sam build", sam, "build", env=env)
        failed_sizes = not check_function_sizes()
        # Compile before deploying, so that compile errors appear first.
        step("compiling the tests", run, [*TESTS, "-q", "--no-run"])
        step("sam deploy", deploy, env)
        aws = Aws(endpoint)
        gateway = f"{endpoint}/_aws/execute-api/{aws.outputs['ApiId']}/$default"
        environment = describe(aws.client, STACK, aws.outputs, gateway) | serve_sockets(aws, endpoint)
        if args.keep:
            print(json.dumps(environment, indent=1), flush=True)
        signal.alarm(LIMIT)
        failed = run_tests(env | environment, args.tests, endpoint) | failed_sizes
        if not args.tests:
            failed |= not check_missing_permission(aws, gateway)
            failed |= not check_owner_is_created_once(env, gateway)
            failed |= not check_rotation(env, gateway)
            failed |= not check_mail(aws, env, endpoint, gateway)
            # This is last, because it deletes the stack.
            failed |= not check_data_outlives_stack(aws, env)
        signal.alarm(0)
        if args.keep:
            input("Press Enter to stop. ")
    sys.exit(1 if failed else 0)


def step(name, action, *args, **kwargs):
    print(f"{name} ...", flush=True)
    began = time.monotonic()
    result = action(*args, **kwargs)
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return result


def run(command, env=None):
    status = subprocess.run(command, cwd=ROOT, env=env).returncode
    if status != 0:
        sys.exit(f"`{' '.join(map(str, command[:3]))}` failed: see its output above.")


# ------------------------------------------------------------------------------ the stack


@contextmanager
def emulator(keep, settings=None):
    """A new MiniStack that enforces the policies of roles; stopped and deleted afterwards, also when this is terminated."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    state = tempfile.mkdtemp(prefix="placet-sam-")
    # The processes of functions inherit this environment, so it has no settings of this machine.
    settings = (settings or {}) | {
        "PATH": os.environ["PATH"], "HOME": state, "TMPDIR": state, "STATE_DIR": state,
        "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AUTH": "true",
        "SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0",
    }
    log = open(Path(state) / "ministack.log", "wb")
    process = subprocess.Popen(
        [ROOT / ".venv-ministack/bin/python", "-m", "ministack"], env=settings, stdout=log, stderr=log, cwd=state,
        start_new_session=True)
    try:
        await_health(process, endpoint, Path(state) / "ministack.log")
        env = os.environ | {
            "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0",
            "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]),
        }
        # Credentials and regions of this machine's user must not be used.
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
            env.pop(name, None)
        yield endpoint, env
    finally:
        # The group includes the processes of functions.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        if keep:
            print(f"Log of the emulator: {state}/ministack.log")
        else:
            shutil.rmtree(state, ignore_errors=True)


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def await_health(process, endpoint, log):
    until = time.monotonic() + 180
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"MiniStack does not start:\n{log.read_text(errors='replace')[-2000:]}")


def sam(*arguments, env):
    run([BIN / "sam", *arguments, "--config-env", "local"], env)


def check_function_sizes():
    """Checks that zips have at most 5 MB. Binaries built without optimisation, as in CI to save time, are several
    times as large: they may exceed the recorded sizes (RECORD_SIZES=1) by at most MAX_GROWTH."""
    built = {path.parent.name: path for path in sorted((ROOT / ".aws-sam/build").glob("*/bootstrap"))}
    if "CARGO_PROFILE_RELEASE_OPT_LEVEL" not in os.environ:
        sizes = {name: len(zlib.compress(path.read_bytes())) for name, path in built.items()}
        large = {name: size for name, size in sizes.items() if size > MAX_ZIPPED}
    else:
        sizes = {name: path.stat().st_size for name, path in built.items()}
        if os.environ.get("RECORD_SIZES"):
            SIZES.write_text(json.dumps(sizes, indent=2) + "\n")
        written = json.loads(SIZES.read_text())
        large = {name: size for name, size in sizes.items() if size > MAX_GROWTH * written.get(name, 0)}
    for name, size in large.items():
        print(f"sam: {name} has {size:,} bytes: reduce it, or record the sizes with RECORD_SIZES=1", flush=True)
    return not large


def deploy(env):
    run([sys.executable, ROOT / "infra/stack.py", "--stack", STACK, "secret"], env)
    sam("deploy", env=env)


class Aws:
    def __init__(self, endpoint):
        session = boto3.Session("test", "test", region_name="us-east-1")
        self.client = lambda service: session.client(service, endpoint_url=endpoint)
        stack = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        self.outputs = {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]}
        self.parameters = {it["ParameterKey"]: it["ParameterValue"] for it in stack["Parameters"]}

    def physical_id(self, resource):
        found = self.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId=resource)
        return found["StackResourceDetail"]["PhysicalResourceId"]


def describe(client, stack, outputs, gateway):
    """The environment variables that the tests need, in addition to AWS's own."""
    secrets = client("ssm").get_parameter(Name=f"/placet/{stack}/secrets", WithDecryption=True)["Parameter"]
    return {
        "PLACET_TEST_ENGINE": "aws",
        "PLACET_TEST_GATEWAY": gateway,
        "PLACET_TEST_TABLE": outputs["Table"],
        "PLACET_TEST_BUCKET": outputs["Bucket"],
        "PLACET_TEST_SECRETS": secrets["Value"],
        "PLACET_TEST_ORIGIN": ORIGIN,
        "PLACET_TEST_PYTHON": str(ROOT / ".venv/bin/python"),
        "PLACET_TEST_SOCKETS_URL": outputs["SocketsUrl"].replace("wss://", "https://"),
    }


def serve_sockets(aws, endpoint):
    """The emulator's WebSocket API has a URL that the template cannot know: two functions send frames there."""
    sockets = f"{endpoint}/_aws/execute-api/{aws.outputs['SocketsUrl'].split('//')[1].split('.')[0]}/sockets"
    functions = aws.client("lambda")
    for resource in ("Sockets", "Expiry"):
        name = aws.physical_id(resource)
        variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables | {"PLACET_SOCKETS": sockets}})
    return {"PLACET_TEST_SOCKETS_URL": sockets}


# ------------------------------------------------------------------------------ the tests


def run_tests(env, only, engine=None):
    """Runs the tests through the gateway, then, on the engines at the URL `engine`, those that need a deployment of their own:
    their functions run in the process of the tests."""
    skipped, in_process = skipped_tests()
    names = test_names(env)
    for name in [*skipped, *in_process]:
        if name not in names:
            sys.exit(f"tests/sam/skipped.txt names {name}, which is not a test.")
    if only:
        return not run_suite("sam", env, only)
    skips = [part for name in [*skipped, *in_process] for part in ("--skip", name)]
    succeeded = run_suite("sam", env, ["--exact", *skips])
    if engine:
        own = {key: value for key, value in env.items() if key != "PLACET_TEST_GATEWAY"}
        own |= {"PLACET_TEST_ENGINE": engine, "RUST_TEST_THREADS": "6"}
        succeeded &= run_suite("sam-in-process", own, ["--exact", *in_process])
    for reason, tests in by_reason(skipped if engine else skipped | in_process).items():
        print(f"{tests} tests skipped: {reason}")
    run = len(names) - len(skipped) - (0 if engine else len(in_process))
    print(f"{run} of {len(names)} tests run, {100 * run // len(names)} %", flush=True)
    return not succeeded


def run_suite(name, env, arguments):
    """Runs tests. The emulator shares two cores with them and sometimes times out: up to three failed tests are run again one
    at a time, and the summary says so."""
    began, again = time.monotonic(), []
    # Each call starts at least one process in the emulator, so more calls than cores only wait.
    succeeded, output = cargo_test({"RUST_TEST_THREADS": "4"} | env, arguments)
    passed, failed = counts(output)
    failures = sorted(set(re.findall(r"^test (\S+) \.\.\. FAILED$", output, re.M)))
    if 0 < len(failures) == failed <= 3 and all_binaries_ended(output):
        print(f"{name}: running again one at a time: {' '.join(failures)}", flush=True)
        succeeded, repeated = cargo_test(env | {"RUST_TEST_THREADS": "1"}, ["--exact", *failures])
        again = failures if succeeded and counts(repeated) == (len(failures), 0) else []
        succeeded = bool(again)
    passed, failed = passed + len(again), failed - len(again)
    second = f", {len(again)} of them in the second run" if again else ""
    print(f"{name}: {passed} passed, {failed} failed, {time.monotonic() - began:.0f} s{second}", flush=True)
    return succeeded and passed > 0


def cargo_test(env, arguments):
    """Whether the tests succeeded, and their output, which is printed as it comes."""
    command, output = [*TESTS, "--no-fail-fast", "--", *arguments], []
    with subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            for line in process.stdout:
                sys.stdout.write(line)
                output.append(line)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode == 0, "".join(output)


def counts(output):
    results = re.findall(r"^test result: .* (\d+) passed; (\d+) failed", output, re.M)
    return tuple(sum(int(result[n]) for result in results) for n in (0, 1))


def all_binaries_ended(output):
    """A test binary that crashed or was stopped prints no result."""
    return len(re.findall(r"^running \d+ tests?$", output, re.M)) == len(re.findall(r"^test result:", output, re.M))


def skipped_tests():
    """The tests that do not run, and those that run without the deployment, with their reasons: the comment above each
    paragraph."""
    skipped, in_process, reason = {}, {}, ""
    for line in SKIPPED.read_text().splitlines():
        if line.startswith("#"):
            reason = line.removeprefix("#").strip()
        elif line.strip():
            (in_process if reason.startswith(IN_PROCESS) else skipped)[line.strip()] = reason
    return skipped, in_process


def by_reason(skipped):
    counts = {}
    for reason in skipped.values():
        counts[reason] = counts.get(reason, 0) + 1
    return counts


def test_names(env):
    command = [*TESTS, "-q", "--", "--list", "--format", "terse"]
    listed = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout
    return {line.removesuffix(": test") for line in listed.splitlines() if line.endswith(": test")}


def check_missing_permission(aws, gateway):
    """Removes one action from a function's role: its route must fail, and work again once the action is back.
    This proves that the emulator enforces the roles."""
    iam = aws.client("iam")
    role = aws.physical_id("AccountsRole")
    policy = iam.get_role_policy(RoleName=role, PolicyName="needs")["PolicyDocument"]
    reduced = json.loads(json.dumps(policy).replace('"dynamodb:PutItem", ', ""))
    assert reduced != policy, "the role has no such permission to remove"

    seen = []
    for n, document in enumerate((policy, reduced, policy)):
        iam.put_role_policy(RoleName=role, PolicyName="needs", PolicyDocument=json.dumps(document))
        # The first attempt of an address writes an item.
        seen.append(status(f"{gateway}/api/auth/login", {"email": f"unknown{n}@example.com", "password": "wrong"}))
    print(f"sign-in with, without and with dynamodb:PutItem: {seen}", flush=True)
    return seen == [401, 503, 401]


def check_owner_is_created_once(env, gateway):
    """`make owner`: the owner can sign in and the agent's key works. A second run only resets the password."""
    runs = [run_stack(env, "owner", "first@example.com") for _ in range(2)]
    shown, again = (dict(re.findall(r"^(Password|API key|Channel) +(\S+)$", run.stdout, re.M)) for run in runs)
    if (len(shown), list(again)) != (3, ["Password"]):
        print(f"make owner showed {sorted(shown)}, then {sorted(again)}:\n" + "\n".join(run.stderr for run in runs))
        return False
    sign_in = lambda password: status(f"{gateway}/api/auth/login", {"email": "first@example.com", "password": password})
    seen = [
        sign_in(shown["Password"]),
        sign_in(again["Password"]),
        status(f"{gateway}/api/v1/messages", {"channelId": shown["Channel"], "text": "Hello."}, key=shown["API key"]),
        runs[1].returncode,
    ]
    print(f"sign-in with the old and new password, message of the agent, exit code of the reset: {seen}", flush=True)
    return seen == [401, 200, 201, 0]


def check_rotation(env, gateway):
    """`make rotate`: share links outlive it, and end with `--revoke`."""
    owner, session = new_owner(env, gateway, "rotating@example.com")
    file = answer(f"{gateway}/api/v1/files/store-text", owner["API key"],
                  {"channelId": owner["Channel"], "filename": "a.txt", "content": "kept"})
    rotate = lambda *it: run_stack(env, "rotate", *it).returncode
    share = lambda: answer(f"{gateway}/api/files/{file['id']}/share", session)["url"].split("/api/share/")[1]
    opened = lambda link: status(f"{gateway}/api/share/{link}")
    before = share()
    seen = [opened(before), rotate(), opened(before)]
    after = share()
    seen += [opened(after), rotate("--revoke"), opened(before), opened(after), opened(share())]
    print(f"share links before and after a rotation, and after a revocation: {seen}", flush=True)
    return seen == [200, 0, 200, 200, 0, 404, 404, 200]


def check_mail(aws, env, endpoint, gateway):
    """E-mails by the functions `accounts` and `notify` over SES v2."""
    owner, session = new_owner(env, gateway, "mailed@example.org")
    return mail.check(aws, endpoint, gateway, session, owner)


def new_owner(env, gateway, address):
    """What `make owner` shows, and a session."""
    owner = dict(re.findall(r"^(Password|API key|Channel) +(\S+)$", run_stack(env, "owner", address).stdout, re.M))
    sign_in = request(f"{gateway}/api/auth/login", {"email": address, "password": owner["Password"]}, None)
    with urllib.request.urlopen(sign_in, timeout=60) as it:
        return owner, re.search(r"access_token=([^;]+)", it.headers["set-cookie"])[1]


def run_stack(env, *arguments):
    command = [sys.executable, ROOT / "infra/stack.py", "--stack", STACK, *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


def check_data_outlives_stack(aws, env):
    """`make destroy`: it requires the stack's name, and keeps table and bucket."""
    command = [sys.executable, ROOT / "infra/stack.py", "--stack", STACK, "destroy"]
    destroy = lambda name: subprocess.run(command, cwd=ROOT, env=env, input=name, text=True, capture_output=True).returncode
    refused, done = destroy("something else\n"), destroy(f"{STACK}\n")
    table = aws.client("dynamodb").describe_table(TableName=aws.outputs["Table"])["Table"]["TableStatus"]
    bucket = aws.client("s3").head_bucket(Bucket=aws.outputs["Bucket"])["ResponseMetadata"]["HTTPStatusCode"]
    print(f"destroy without the name: exit {refused}, with it: exit {done}; table {table}, bucket {bucket}")
    return (refused, done, table, bucket) == (1, 0, "ACTIVE", 200)


if __name__ == "__main__":
    main()
