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
import urllib.error
import urllib.request
import zlib
from contextlib import contextmanager
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parent.parent.parent
SKIPPED = ROOT / "tests/sam/skipped.txt"
SIZES = ROOT / "tests/sam/sizes.json"
MOST_ZIPPED = 4_000_000
MOST_GROWTH = 1.1  # of a binary that is built without optimisation
STACK = "placet-local"  # samconfig.toml's, for the environment `local`
ORIGIN = "https://app.example.com"  # samconfig.toml's AllowedOrigins, for the same
BIN = Path(sys.executable).parent
# Of the tests: one that hangs must fail the run and say so, instead of holding it for ever.
LIMIT = int(os.environ.get("PLACET_TEST_LIMIT", "1500"))
# Of the whole workspace, so that nothing is compiled anew for it.
TESTS = ["cargo", "test", "--workspace", "--features", "placet-tests/deployed", "--test", "http", "--test", "deployed"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tests", nargs="*", help="only tests whose names contain one of these")
    parser.add_argument("--keep", action="store_true", help="leave the emulator running, and say how to reach it")
    args = parser.parse_args()
    # Ended from outside, too, it takes the emulator along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"sam: stopped after {LIMIT} s: a test hangs"))
    with emulator(args.keep) as (endpoint, env):
        step("sam build", sam, "build", env=env)
        failed_sizes = not the_functions_stay_small()
        # Built before the stack is there: what fails to compile fails at once.
        step("compiling the tests", run, [*TESTS, "-q", "--no-run"])
        step("sam deploy", deploy, env)
        aws = Aws(endpoint)
        environment = aws.describe(endpoint)
        if args.keep:
            print(json.dumps(environment, indent=1), flush=True)
        signal.alarm(LIMIT)
        failed = run_tests(os.environ | environment, args.tests) | failed_sizes
        if not args.tests:
            gateway = environment["PLACET_TEST_GATEWAY"]
            failed |= not a_permission_less_fails(aws, gateway)
            failed |= not an_owner_is_made_once(env, gateway)
            # The last: nothing is left afterwards.
            failed |= not the_data_outlives_the_stack(aws, env)
        signal.alarm(0)
        if args.keep:
            input("Enter ends it. ")
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
        sys.exit(f"`{' '.join(map(str, command[:3]))}` failed: it says why above.")


# ------------------------------------------------------------------------------ the stack


@contextmanager
def emulator(keep, settings=None):
    """A fresh MiniStack that enforces the roles' policies; ended and forgotten afterwards."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    state = tempfile.mkdtemp(prefix="placet-sam-")
    # The functions' processes inherit this environment: nothing of this machine's is in it.
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
        # Credentials and regions of this machine's user have no place here.
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
            env.pop(name, None)
        yield endpoint, env
    finally:
        # With the functions' processes, which are of its group.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        if keep:
            print(f"Its log: {state}/ministack.log")
        else:
            shutil.rmtree(state, ignore_errors=True)


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def await_health(process, endpoint, log):
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"MiniStack does not start:\n{log.read_text(errors='replace')[-2000:]}")


def sam(*arguments, env):
    run([BIN / "sam", *arguments, "--config-env", "local"], env)


def the_functions_stay_small():
    """Zips are held to 4 MB. Built without optimisation, as CI does to save its time, binaries are several times as
    large: these are held to what they were when they were last written down (RECORD_SIZES=1), and a little."""
    built = {path.parent.name: path for path in sorted((ROOT / ".aws-sam/build").glob("*/bootstrap"))}
    if "CARGO_PROFILE_RELEASE_OPT_LEVEL" not in os.environ:
        sizes = {name: len(zlib.compress(path.read_bytes())) for name, path in built.items()}
        large = {name: size for name, size in sizes.items() if size > MOST_ZIPPED}
    else:
        sizes = {name: path.stat().st_size for name, path in built.items()}
        if os.environ.get("RECORD_SIZES"):
            SIZES.write_text(json.dumps(sizes, indent=2) + "\n")
        written = json.loads(SIZES.read_text())
        large = {name: size for name, size in sizes.items() if size > MOST_GROWTH * written.get(name, 0)}
    for name, size in large.items():
        print(f"sam: {name} has {size:,} bytes: too many, or to be written down again", flush=True)
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

    def describe(self, endpoint):
        """What the tests need to know of the stack."""
        secret = self.client("ssm").get_parameter(Name=f"/placet/{STACK}/secret")["Parameter"]["Value"]
        return {
            "PLACET_TEST_ENGINE": endpoint,
            "PLACET_TEST_GATEWAY": f"{endpoint}/_aws/execute-api/{self.outputs['ApiId']}/$default",
            "PLACET_TEST_TABLE": self.outputs["Table"],
            "PLACET_TEST_BUCKET": self.outputs["Bucket"],
            "PLACET_TEST_SECRET": secret,
            "PLACET_TEST_ORIGIN": ORIGIN,
            "PLACET_TEST_PYTHON": str(ROOT / ".venv/bin/python"),
        }


# ------------------------------------------------------------------------------ the tests


def run_tests(env, only):
    skipped = skipped_tests()
    names = test_names(env)
    for name in skipped:
        if name not in names:
            sys.exit(f"tests/sam/skipped.txt names {name}, which is no test.")
    command = [*TESTS, "--no-fail-fast", "--"]
    if only:
        command += only
    else:
        command += ["--exact", *(part for name in skipped for part in ("--skip", name))]
    began = time.monotonic()
    # Each call starts at least one process there: more at once than there are cores only wait.
    env = env | {"RUST_TEST_THREADS": env.get("RUST_TEST_THREADS", "4")}
    with subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        output = []
        try:
            for line in process.stdout:
                sys.stdout.write(line)
                output.append(line)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    results = re.findall(r"^test result: .* (\d+) passed; (\d+) failed", "".join(output), re.M)
    passed, failed = (sum(int(result[n]) for result in results) for n in (0, 1))
    if not only:
        for reason, tests in by_reason(skipped).items():
            print(f"{tests} tests not run: {reason}")
    print(f"sam: {passed} passed, {failed} failed, {time.monotonic() - began:.0f} s", flush=True)
    return process.returncode != 0 or passed == 0


def skipped_tests():
    """Each test that is left out, with the reason: the comment above its paragraph."""
    skipped, reason = {}, None
    for line in SKIPPED.read_text().splitlines():
        if line.startswith("#"):
            reason = line.removeprefix("#").strip()
        elif line.strip():
            skipped[line.strip()] = reason
    return skipped


def by_reason(skipped):
    counts = {}
    for reason in skipped.values():
        counts[reason] = counts.get(reason, 0) + 1
    return counts


def test_names(env):
    command = [*TESTS, "-q", "--", "--list", "--format", "terse"]
    listed = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout
    return {line.removesuffix(": test") for line in listed.splitlines() if line.endswith(": test")}


def a_permission_less_fails(aws, gateway):
    """Takes one action from a function's role: the route that needs it must fail, and work again
    once it is back. Otherwise nothing was proven of the roles."""
    iam = aws.client("iam")
    role = aws.client("cloudformation").describe_stack_resource(
        StackName=STACK, LogicalResourceId="AccountsRole")["StackResourceDetail"]["PhysicalResourceId"]
    policy = iam.get_role_policy(RoleName=role, PolicyName="needs")["PolicyDocument"]
    less = json.loads(json.dumps(policy).replace('"dynamodb:PutItem", ', ""))
    assert less != policy, "the role has the permission"

    seen = []
    for n, document in enumerate((policy, less, policy)):
        iam.put_role_policy(RoleName=role, PolicyName="needs", PolicyDocument=json.dumps(document))
        # The first try of an address makes an item.
        seen.append(post(f"{gateway}/api/auth/login", {"email": f"nobody{n}@example.com", "password": "wrong"}))
    print(f"signing in with, without and with dynamodb:PutItem: {seen}", flush=True)
    return seen == [401, 503, 401]


def an_owner_is_made_once(env, gateway):
    """`make owner`: who it names can sign in, and their key works. A second time it resets the password alone."""
    command = [sys.executable, ROOT / "infra/stack.py", "--stack", STACK, "owner", "first@example.com"]
    runs = [subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True) for _ in range(2)]
    shown, again = (dict(re.findall(r"^(Password|API key|Channel) +(\S+)$", run.stdout, re.M)) for run in runs)
    if (len(shown), list(again)) != (3, ["Password"]):
        print(f"make owner showed {sorted(shown)}, then {sorted(again)}:\n" + "\n".join(run.stderr for run in runs))
        return False
    sign_in = lambda password: post(f"{gateway}/api/auth/login", {"email": "first@example.com", "password": password})
    seen = [
        sign_in(shown["Password"]),
        sign_in(again["Password"]),
        post(f"{gateway}/api/v1/messages", {"channelId": shown["Channel"], "text": "Hello."}, key=shown["API key"]),
        runs[1].returncode,
    ]
    print(f"the owner's former and new password, their agent's message, the exit of a reset: {seen}", flush=True)
    return seen == [401, 200, 201, 0]


def the_data_outlives_the_stack(aws, env):
    """`make destroy`: it wants the stack's name, and leaves table and bucket."""
    command = [sys.executable, ROOT / "infra/stack.py", "--stack", STACK, "destroy"]
    destroy = lambda said: subprocess.run(command, cwd=ROOT, env=env, input=said, text=True, capture_output=True).returncode
    refused, done = destroy("something else\n"), destroy(f"{STACK}\n")
    table = aws.client("dynamodb").describe_table(TableName=aws.outputs["Table"])["Table"]["TableStatus"]
    bucket = aws.client("s3").head_bucket(Bucket=aws.outputs["Bucket"])["ResponseMetadata"]["HTTPStatusCode"]
    print(f"destroyed without its name: {refused}, with it: {done}; the table is {table}, the bucket answers {bucket}")
    return (refused, done, table, bucket) == (1, 0, "ACTIVE", 200)


def post(url, body, key=None):
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    try:
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        return urllib.request.urlopen(request, timeout=60).status
    except urllib.error.HTTPError as err:
        return err.code


if __name__ == "__main__":
    main()
