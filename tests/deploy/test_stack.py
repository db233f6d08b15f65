"""infra/stack.py on MiniStack: `make test-deploy`."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import tomllib
import unittest
import urllib.error
import urllib.request
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock

import boto3
from samcli.cli.types import CfnParameterOverridesType

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/sam"), str(ROOT / "tests/deploy"), str(ROOT / "infra")]

import own_card  # noqa: E402
import stack  # noqa: E402
from deployed import emulator  # noqa: E402
from deployment import DeployError, concurrency, dead_letters, mail, plugins, restored_table, schema_version  # noqa: E402
from deployment.config import StackConfig, sam_overrides  # noqa: E402

TEMPLATE = ROOT / "tests/deploy/template.yaml"
ACCOUNT = "000000000000"


class Deployment:
    """Runs infra/stack.py against an emulator, with a stacks.toml of its own."""

    def __init__(self, endpoint, env, directory):
        self.endpoint, self.directory = endpoint, Path(directory)
        self.env = env | {"PLACET_STACK_CONFIG": str(directory)}

    def run(self, stack, *arguments, region="us-east-1", said=""):
        env = {name: value for name, value in self.env.items() if name != "AWS_DEFAULT_REGION"}
        env |= {"AWS_REGION": region} if region else {}
        command = [sys.executable, ROOT / "infra/stack.py", "--stack", stack, *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, env=env, input=said, text=True, capture_output=True)

    def deploy(self, stack, *parameters, region="us-east-1"):
        done = self.run(stack, "deploy", "--template", TEMPLATE, "--yes", *parameters, region=region)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def client(self, service, region="us-east-1"):
        return boto3.client(service, region_name=region, endpoint_url=self.endpoint,
                            aws_access_key_id="test", aws_secret_access_key="test")

    def parameters(self, stack, region="us-east-1"):
        described = self.client("cloudformation", region).describe_stacks(StackName=stack)["Stacks"][0]
        return {it["ParameterKey"]: it["ParameterValue"] for it in described["Parameters"]}

    def secrets(self, stack, region="us-east-1"):
        found = self.client("ssm", region).get_parameter(Name=f"/placet/{stack}/secrets", WithDecryption=True)["Parameter"]
        assert found["Type"] == "SecureString", found
        return found["Value"].split(",")

    def outputs(self, stack):
        described = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {it["OutputKey"]: it["OutputValue"] for it in described["Outputs"]}


class OnAnEmulator(unittest.TestCase):
    """The emulator allows as many concurrent executions as the class says."""
    concurrency = 1_000

    @classmethod
    def setUpClass(cls):
        settings = {"LAMBDA_ACCOUNT_CONCURRENCY": str(cls.concurrency)}
        endpoint, env = cls.enterClassContext(emulator(False, settings))
        cls.it = Deployment(endpoint, env, cls.enterClassContext(tempfile.TemporaryDirectory()))


class SchemaVersions(OnAnEmulator):
    def test_older_items_are_migrated_and_a_newer_table_is_not_deployed_to(self):
        self.it.deploy("versions")
        table, dynamodb = self.it.outputs("versions")["Table"], self.it.client("dynamodb")
        version = {"N": str(schema_version.VERSION)}
        self.assertEqual(self.schema(table)["version"], version)
        key = {"pk": {"S": "older"}, "sk": {"S": "item"}}
        dynamodb.put_item(TableName=table, Item=key | {"text": {"S": "kept"}})
        for changed in (1, 0):
            done = self.it.run("versions", "migrate")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn(f"Migrated {changed} items", done.stdout)
        item = dynamodb.get_item(TableName=table, Key=key)["Item"]
        self.assertEqual(item, key | {"text": {"S": "kept"}, "v": version})
        self.assertEqual(self.schema(table)["migratedTo"], version)

        newer = {":newer": {"N": str(schema_version.VERSION + 1)}}
        dynamodb.update_item(TableName=table, Key=schema_version.KEY, UpdateExpression="SET #version = :newer",
                             ExpressionAttributeNames={"#version": "version"}, ExpressionAttributeValues=newer)
        for command in (["deploy", "--template", TEMPLATE, "--yes"], ["migrate"]):
            refused = self.it.run("versions", *command)
            self.assertEqual(refused.returncode, 1, refused.stdout + refused.stderr)
            self.assertIn("newer version", refused.stderr)

    def schema(self, table):
        return self.it.client("dynamodb").get_item(TableName=table, Key=schema_version.KEY)["Item"]


class Secrets(OnAnEmulator):
    def test_the_secret_is_kept_by_deployments_and_replaced_by_a_rotation(self):
        ssm = self.it.client("ssm")
        # Of an earlier version.
        ssm.put_parameter(Name="/placet/turned/secret", Value="f" * 48, Type="String")
        for _ in range(2):
            self.it.deploy("turned", "MemorySize=256")
            self.assertEqual(self.it.secrets("turned"), ["f" * 48])
        self.rotate()
        new, *previous = self.it.secrets("turned")
        self.assertEqual((previous, len(new)), (["f" * 48], 48))
        # First all functions accept the new secret, then it signs.
        history = ssm.get_parameter_history(Name="/placet/turned/secrets", WithDecryption=True)["Parameters"]
        self.assertEqual([it["Value"] for it in history], ["f" * 48, f"{'f' * 48},{new}", f"{new},{'f' * 48}"])
        self.assertEqual(self.it.parameters("turned")["SecretsVersion"], "3")
        self.assertEqual(self.it.parameters("turned")["MemorySize"], "256")
        self.rotate("--revoke")
        self.assertEqual(len(self.it.secrets("turned")), 1)
        self.assertNotIn(new, self.it.secrets("turned"))
        self.it.deploy("turned")
        self.assertEqual(self.it.parameters("turned")["SecretsVersion"], "4")

    def rotate(self, *arguments):
        done = self.it.run("turned", "rotate", *arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


@contextmanager
def refusing(endpoint, faults):
    """DynamoDB of the emulator, which answers as many calls of each operation with these errors first as AWS may do."""

    class Hop(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            left = faults.get(self.headers["X-Amz-Target"].split(".")[-1])
            if left:
                fault = {"__type": f"com.amazonaws.dynamodb.v20120810#{left.pop()}", "message": "Retry later"}
                return self.reply(400, {}, json.dumps(fault).encode())
            try:
                with urllib.request.urlopen(urllib.request.Request(endpoint, body, dict(self.headers))) as answer:
                    self.reply(answer.status, answer.headers, answer.read())
            except urllib.error.HTTPError as err:
                self.reply(err.code, err.headers, err.read())

        def reply(self, status, headers, body):
            self.send_response(status)
            for name in ("Content-Type", "x-amz-crc32", "x-amzn-RequestId"):
                if headers.get(name):
                    self.send_header(name, headers[name])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Restores(OnAnEmulator):
    def test_the_stack_continues_on_the_restored_table(self):
        self.it.deploy("back")
        before, dynamodb = self.it.outputs("back"), self.it.client("dynamodb")
        key = {"pk": {"S": "kept"}, "sk": {"S": "item"}}
        dynamodb.put_item(TableName=before["Table"], Item=key)
        refused = self.it.run("back", "restore", "--template", TEMPLATE, said="no\n")
        self.assertEqual((refused.returncode, refused.stderr), (1, "Nothing was restored.\n"))
        # The second time repeats an interrupted restore.
        for _ in range(2):
            done = self.it.run("back", "restore", "--template", TEMPLATE, "--yes", "--table", "back-restored")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.it.outputs("back"), before | {"Table": "back-restored"})
        self.assertEqual(dynamodb.get_item(TableName="back-restored", Key=key)["Item"], key)
        table = dynamodb.describe_table(TableName="back-restored")["Table"]
        self.assertEqual(table["StreamSpecification"]["StreamViewType"], "NEW_AND_OLD_IMAGES")
        self.assertEqual(self.it.parameters("back")["ExistingTableStream"], table["LatestStreamLabel"])
        self.assertTrue(table["DeletionProtectionEnabled"])
        ttl = dynamodb.describe_time_to_live(TableName="back-restored")["TimeToLiveDescription"]
        self.assertEqual((ttl["TimeToLiveStatus"], ttl["AttributeName"]), ("ENABLED", "ttl"))
        backups = dynamodb.describe_continuous_backups(TableName="back-restored")["ContinuousBackupsDescription"]
        recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        self.assertEqual(recovery, "ENABLED")
        # A later deployment keeps the restored table.
        self.it.deploy("back", "MemorySize=256")
        self.assertEqual(self.it.outputs("back")["Table"], "back-restored")

    def test_a_restore_goes_on_with_a_table_that_is_still_created_and_has_no_backups_yet(self):
        self.it.deploy("timed")
        source, session = self.it.outputs("timed")["Table"], boto3.Session("test", "test", region_name="us-east-1")
        with mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL": self.it.endpoint}):
            restored_table.restore(session, source, "timed-restored", None)
        faults = {"RestoreTableToPointInTime": ["TableInUseException"],
                  "UpdateContinuousBackups": ["ContinuousBackupsUnavailableException"] * 2}
        with (refusing(self.it.endpoint, faults) as endpoint, mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL": endpoint}),
              mock.patch.object(restored_table, "PAUSE", 0.1)):
            # As the command does that repeats an interrupted one.
            restored_table.restore(session, source, "timed-restored", None)
            restored_table.prepare(session, "timed-restored")
        self.assertEqual(faults, {"RestoreTableToPointInTime": [], "UpdateContinuousBackups": []})
        backups = self.it.client("dynamodb").describe_continuous_backups(TableName="timed-restored")
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        self.assertEqual(recovery["PointInTimeRecoveryStatus"], "ENABLED")

    def test_a_time_without_an_offset_is_refused(self):
        self.it.deploy("when")
        refused = self.it.run("when", "restore", "--to", "2026-11-24 09:00")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("such as 2026-11-24T09:00:00Z", refused.stderr)


# Fails on records of items whose text is `bad`.
FUNCTION = """
def handler(event, context):
    for record in event["Records"]:
        if record["dynamodb"].get("NewImage", {}).get("text") == {"S": "bad"}:
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}
"""


class Redrives(OnAnEmulator):
    def test_failed_records_are_processed_from_the_bucket(self):
        s3 = self.it.client("s3")
        s3.create_bucket(Bucket="records")
        for key, text in (("1", "good"), ("2", "bad"), ("3", "good")):
            record = {"dynamodb": {"SequenceNumber": key, "NewImage": {"pk": {"S": key}, "text": {"S": text}}}}
            # Lambda writes the event as text.
            letter = {"requestContext": {}, "DDBStreamBatchInfo": {}, "payload": json.dumps({"Records": [record]})}
            s3.put_object(Bucket="records", Key=f"aws/lambda/mapping/shard/{key}", Body=json.dumps(letter))
        s3.put_object(Bucket="records", Key="files/other", Body=b"a file")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("index.py", FUNCTION)
        trust = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        role = self.it.client("iam").create_role(RoleName="events", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        self.it.client("lambda").create_function(
            FunctionName="events", Runtime="python3.11", Handler="index.handler", Code={"ZipFile": archive.getvalue()},
            Role=role["Arn"])
        session = boto3.Session("test", "test", region_name="us-east-1")
        with mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL": self.it.endpoint}):
            self.assertEqual(dead_letters.redrive(session, "events", "records"), (2, 1))
            self.assertEqual(dead_letters.redrive(session, "events", "records"), (0, 1))
        left = [it["Key"] for it in s3.list_objects_v2(Bucket="records")["Contents"]]
        self.assertEqual(left, ["aws/lambda/mapping/shard/2", "files/other"])


class Stacks(OnAnEmulator):
    def test_stacks_and_regions_have_parameters_of_their_own(self):
        said = self.it.deploy("a", "MemorySize=256")
        self.assertIn("reserve 500 of them", said)
        self.it.deploy("b", "MemorySize=1024", "ReviewsConcurrency=20")
        self.it.deploy("a", "MemorySize=768", region="eu-central-1")
        said = self.it.deploy("a")
        self.assertIn("a in us-east-1, update", said)
        found = [self.it.parameters(*stack) for stack in (("a",), ("b",), ("a", "eu-central-1"))]
        self.assertEqual([it["MemorySize"] for it in found], ["256", "1024", "768"])
        self.assertEqual([it["ReviewsConcurrency"] for it in found], ["375", "20", "375"])
        self.assertEqual([it["McpConcurrency"] for it in found], ["125", "125", "125"])
        self.assertNotEqual(*(self.it.secrets("a", region) for region in ("us-east-1", "eu-central-1")))
        ambiguous = self.it.run("a", "outputs", region=None)
        self.assertEqual(ambiguous.returncode, 1)
        self.assertIn("eu-central-1 and us-east-1", ambiguous.stderr)
        # The only region of a stack is known without being named.
        shown = self.it.run("b", "outputs", region=None)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for value in self.it.outputs("b").values():
            self.assertIn(value, re.sub(r"\s", "", shown.stdout))

    def test_a_parameter_can_be_emptied(self):
        self.it.deploy("emptied", "AlarmTopicArn=arn:aws:sns:us-east-1:000000000000:alarms")
        self.it.deploy("emptied", "AlarmTopicArn=")
        self.assertEqual(self.it.parameters("emptied")["AlarmTopicArn"], "")
        # The stored value is empty, too.
        self.it.deploy("emptied", "MemorySize=256")
        found = self.it.parameters("emptied")
        self.assertEqual((found["AlarmTopicArn"], found["MemorySize"]), ("", "256"))

    def test_a_refused_parameter_is_not_stored(self):
        self.it.deploy("refusing")
        refused = self.it.run("refusing", "deploy", "--template", TEMPLATE, "--yes", "MemorySize=much")
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.it.deploy("refusing", "AlarmTopicArn=other")
        found = self.it.parameters("refusing")
        self.assertEqual((found["MemorySize"], found["AlarmTopicArn"]), ("512", "other"))

    def test_a_new_stack_asks_for_its_name_and_deploys_nothing_without_it(self):
        for said in ("", "yes\n"):
            refused = self.it.run("asked", "deploy", "--template", TEMPLATE, said=said)
            self.assertEqual((refused.returncode, refused.stderr), (1, "Nothing was deployed.\n"))
        self.assertIn("There is no stack asked", self.it.run("asked", "outputs").stderr)

    def test_a_failed_update_is_rolled_back_and_reported(self):
        self.it.deploy("failing", "MemorySize=256")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as broken:
            text = TEMPLATE.read_text().replace("Outputs:", "  Unknown:\n    Type: AWS::Nothing::OfThisKind\nOutputs:")
            broken.write(text)
            broken.flush()
            done = self.it.run("failing", "deploy", "--template", broken.name, "--yes", "MemorySize=512")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("deploy` failed", done.stderr)
        self.assertEqual(self.it.parameters("failing")["MemorySize"], "256")

    def test_a_deletion_keeps_the_data(self):
        self.it.deploy("kept")
        resources = self.it.outputs("kept")
        self.it.client("s3").put_object(Bucket=resources["Bucket"], Key="a", Body=b"a")
        refused = self.it.run("kept", "destroy", said="something else\n")
        self.assertEqual((refused.returncode, refused.stderr), (1, "Nothing was deleted.\n"))
        kept = self.it.run("kept", "destroy", said="kept\n")
        self.assertEqual(kept.returncode, 0, kept.stdout + kept.stderr)
        self.it.client("dynamodb").describe_table(TableName=resources["Table"])
        self.it.client("s3").head_object(Bucket=resources["Bucket"], Key="a")

    def test_the_data_is_deleted_when_asked_for_twice(self):
        self.it.deploy("gone")
        resources = self.it.outputs("gone")
        self.it.client("s3").put_object(Bucket=resources["Bucket"], Key="a", Body=b"a")
        once = self.it.run("gone", "destroy", "--with-data", said="gone\ngone\n")
        self.assertEqual((once.returncode, once.stderr), (1, "Nothing was deleted.\n"))
        deleted = self.it.run("gone", "destroy", "--with-data", said="gone\ndelete the data\n")
        self.assertEqual(deleted.returncode, 0, deleted.stdout + deleted.stderr)
        self.assertNotIn(resources["Table"], self.it.client("dynamodb").list_tables()["TableNames"])
        buckets = [it["Name"] for it in self.it.client("s3").list_buckets()["Buckets"]]
        self.assertNotIn(resources["Bucket"], buckets)
        self.assertEqual(self.it.client("ssm").get_parameters(Names=["/placet/gone/secrets"])["Parameters"], [])


class MailIdentities(OnAnEmulator):
    def test_a_sender_outside_of_the_identity_is_not_deployed(self):
        of_other = self.it.run("mails", "deploy", "--template", TEMPLATE, "--yes", "MailFrom=placet@other.com", "MailIdentity=example.com")
        self.assertEqual(of_other.returncode, 1, of_other.stdout)
        self.assertIn("MailFrom=placet@other.com does not belong to MailIdentity=example.com", of_other.stderr)
        self.assertIn("There is no stack mails", self.it.run("mails", "outputs").stderr)
        self.it.deploy("mails", "MailFrom=placet@example.com", "MailIdentity=example.com")
        # The other of the two is the stack's.
        for changed in ("MailFrom=placet@other.com", "MailIdentity=other.com"):
            self.assertEqual(self.it.run("mails", "deploy", "--template", TEMPLATE, "--yes", changed).returncode, 1)
        parameters = self.it.parameters("mails")
        found = parameters["MailFrom"], parameters["MailIdentity"]
        self.assertEqual(found, ("placet@example.com", "example.com"))

    def test_the_template_refuses_a_sender_that_could_send_nothing(self):
        text = (ROOT / "infra/template.yaml").read_text()
        parameters_and_rules = text[text.index("\nParameters:"):text.index("\nConditions:")]
        template = f"{parameters_and_rules}\nResources: {{ Topic: {{ Type: AWS::SNS::Topic }} }}\n"
        cloudformation = self.it.client("cloudformation")
        create = lambda name, **given: cloudformation.create_stack(
            StackName=name, TemplateBody=template,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()])
        on, good = {"Notifications": "true"}, {"MailFrom": "placet@example.com", "MailIdentity": "example.com"}
        for refused in (good, on | {"MailFrom": good["MailFrom"]}, on | good | {"MailFrom": "placet"},
                        on | good | {"MailFrom": "Placet <placet@example.com>"}):
            with self.assertRaisesRegex(cloudformation.exceptions.ClientError, "MailFrom"):
                create("refused", **refused)
        for number, accepted in enumerate(({}, on, on | good)):
            create(f"accepted{number}", **accepted)


class APipeline(OnAnEmulator):
    """The role of infra/pipeline.yaml, whose policies the emulator enforces."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        parameters = {"StackName": "piped", "Repository": "some/repository", "ProviderArn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/x"}
        cloudformation = cls.it.client("cloudformation")
        # Its name begins with that of the stack that it deploys, as an administrator may choose.
        cloudformation.create_stack(
            StackName="piped-pipeline", TemplateBody=(ROOT / "infra/pipeline.yaml").read_text(), Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()])
        cloudformation.get_waiter("stack_create_complete").wait(StackName="piped-pipeline", WaiterConfig={"Delay": 1})
        # The administrator's first deployment makes the bucket for uploads.
        cls.it.deploy("administrators")
        s3 = cls.it.client("s3")
        for bucket in s3.list_buckets()["Buckets"]:
            # It demands TLS, which the emulator does not speak.
            if bucket["Name"].startswith("aws-sam-cli-managed-default-"):
                s3.delete_bucket_policy(Bucket=bucket["Name"])
        cls.role = role = cls.it.outputs("piped-pipeline")["RoleArn"]
        # The emulator has no OIDC provider: its own account assumes the role instead.
        trust = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]}
        cls.it.client("iam").update_assume_role_policy(RoleName=role.split("/")[-1], PolicyDocument=json.dumps(trust))
        keys = cls.it.client("sts").assume_role(RoleArn=role, RoleSessionName="pipeline")["Credentials"]
        cls.it.env |= {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
                       "AWS_SESSION_TOKEN": keys["SessionToken"]}

    def test_it_deploys_its_stack_without_a_question_and_no_other(self):
        self.it.deploy("piped", "MemorySize=256")
        said = self.it.deploy("piped", "MemorySize=512", "--tag", "team=inbox")
        self.assertIn("piped in us-east-1, update", said)
        self.assertEqual(self.it.parameters("piped")["MemorySize"], "512")
        stack = self.it.client("cloudformation").describe_stacks(StackName="piped")["Stacks"][0]
        self.assertIn({"Key": "team", "Value": "inbox"}, stack["Tags"])
        other = self.it.run("other", "deploy", "--template", TEMPLATE, "--yes")
        self.assertNotEqual(other.returncode, 0, other.stdout)
        self.assertIn("AccessDenied", other.stdout + other.stderr)

    def test_it_cannot_change_its_own_role(self):
        # Asked, not tried: the emulator's authorisation of a call leaves the path out of a role's ARN.
        iam = self.it.client("iam")
        policy = iam.get_role_policy(RoleName=self.role.split("/")[-1], PolicyName="deploy")["PolicyDocument"]
        actions = ["iam:DeleteRolePolicy", "iam:TagRole", "iam:UpdateAssumeRolePolicy"]
        for arn, decision in ((self.role, "implicitDeny"), (f"arn:aws:iam::{ACCOUNT}:role/piped-MessagesRole-1", "allowed")):
            results = iam.simulate_custom_policy(
                PolicyInputList=[json.dumps(policy)], ActionNames=actions, ResourceArns=[arn])["EvaluationResults"]
            self.assertEqual({it["EvalActionName"]: it["EvalDecision"] for it in results}, dict.fromkeys(actions, decision), arn)


class OwnPlugins(OnAnEmulator):
    """`make deploy PLUGINS=DIR`; the smoke test calls what such a deployment serves."""

    def test_they_stand_beside_three_programs_until_a_deployment_without_them(self):
        with tempfile.TemporaryDirectory() as build:
            template = Path(build) / "template.yaml"
            shutil.copy(TEMPLATE, template)
            for function in (*plugins.FUNCTIONS, "Web"):
                (Path(build) / function).mkdir()
            deploy = lambda *options: self.it.run("plugins", "deploy", "--template", template, "--yes", *options)
            found = lambda: sorted(str(it.relative_to(build)) for it in Path(build).rglob("plugin.json"))
            with own_card.directory() as directory:
                done = deploy("--plugins", directory)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertEqual(found(), [f"{it}/plugins/own-card/plugin.json" for it in sorted(plugins.FUNCTIONS)])
            self.assertEqual(deploy().returncode, 0)
            self.assertEqual(found(), [])

    def test_a_directory_that_is_not_good_is_not_deployed(self):
        with own_card.directory(version="1") as directory:
            refused = self.it.run("refused", "deploy", "--template", TEMPLATE, "--yes", "--plugins", directory)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("semver", refused.stdout + refused.stderr)
        names = [it["StackName"] for it in self.it.client("cloudformation").list_stacks()["StackSummaries"]]
        self.assertNotIn("refused", names)


class AFront(OnAnEmulator):
    """infra/front.yaml."""

    def test_everything_passes_cloudfront_and_its_firewall(self):
        parameters = {"DomainName": "inbox.example.com", "Origin": "d-1.execute-api.us-east-1.amazonaws.com",
                      "CertificateArn": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/x"}
        cloudformation = self.it.client("cloudformation")
        cloudformation.create_stack(
            StackName="front", TemplateBody=(ROOT / "infra/front.yaml").read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()])
        cloudformation.get_waiter("stack_create_complete").wait(StackName="front", WaiterConfig={"Delay": 1})
        distribution = self.distribution()
        self.assertEqual(distribution["Aliases"]["Items"], ["inbox.example.com"])
        self.assertEqual(distribution["Origins"]["Items"][0]["DomainName"], parameters["Origin"])
        self.assertEqual(len(distribution["DefaultCacheBehavior"]["AllowedMethods"]["Items"]), 7)
        waf = self.it.client("wafv2")
        [acl] = waf.list_web_acls(Scope="CLOUDFRONT")["WebACLs"]
        self.assertEqual(distribution["WebACLId"], acl["ARN"])
        rules = waf.get_web_acl(Name=acl["Name"], Id=acl["Id"], Scope="CLOUDFRONT")["WebACL"]["Rules"]
        limits = {it["Name"]: int(it["Statement"].get("RateBasedStatement", {}).get("Limit", 0)) for it in rules}
        self.assertEqual(limits, {"known-bad-sources": 0, "sign-ins-per-source": 50, "requests-per-source": 2000})
        self.assertNotIn("/socket.io/*", self.paths())
        parameters["SocketsOrigin"] = "s-1.execute-api.us-east-1.amazonaws.com"
        cloudformation.update_stack(
            StackName="front", UsePreviousTemplate=True,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()])
        cloudformation.get_waiter("stack_update_complete").wait(StackName="front", WaiterConfig={"Delay": 1})
        paths = self.paths()
        [origin] = [it for it in self.distribution()["Origins"]["Items"] if it["DomainName"] == parameters["SocketsOrigin"]]
        self.assertEqual(paths["/socket.io/*"]["TargetOriginId"], origin["Id"])
        [function] = paths["/socket.io/*"]["FunctionAssociations"]["Items"]
        self.assertEqual(function["EventType"], "viewer-request")

    def distribution(self):
        [distribution] = self.it.client("cloudfront").list_distributions()["DistributionList"]["Items"]
        return distribution

    def paths(self):
        return {it["PathPattern"]: it for it in self.distribution()["CacheBehaviors"].get("Items", [])}


class ANewAccount(OnAnEmulator):
    concurrency = 10

    def test_waits_are_throttled_where_none_can_be_reserved(self):
        said = self.it.deploy("small")
        parameters = self.it.parameters("small")
        self.assertEqual(parameters["ReviewsConcurrency"], "0")
        self.assertEqual(parameters["McpConcurrency"], "0")
        self.assertEqual((parameters["MaxWaitMs"], parameters["WaitThrottlingRate"], parameters["WaitThrottlingBurst"]), ("250", "0.3", "1"))
        self.assertEqual((parameters["McpThrottlingRate"], parameters["McpThrottlingBurst"]), ("0.8", "4"))
        self.assertEqual(parameters["WebhooksConcurrency"], "2")
        self.assertIn("only 10 concurrent executions", said)

    def test_chosen_parameters_win_over_the_advice(self):
        self.it.deploy("chosen", "WaitThrottlingBurst=7")
        self.assertEqual(self.it.parameters("chosen")["WaitThrottlingBurst"], "7")
        said = self.it.deploy("chosen")
        self.assertIn('This stack has other values, which stay. To change them: make deploy PARAMETERS="WaitThrottlingBurst=1"', said)
        self.assertEqual(self.it.parameters("chosen")["WaitThrottlingBurst"], "7")


class Advice(unittest.TestCase):
    """Held requests: waits for one review and for several, hooks, pages that wait for changes, and MCP clients."""

    def test_held_requests_never_take_more_than_half_of_an_account_that_can_reserve(self):
        for total in (120, 150, 199, 200, 1_000, 3_000):
            given = self.advise(total)
            reserved = [int(given[it]) for it in ("ReviewsConcurrency", "McpConcurrency")]
            self.assertLessEqual(sum(reserved), min(total // 2, total - concurrency.MIN_UNRESERVED), given)
            self.assertGreaterEqual(min(reserved), 5, given)
            self.assertEqual(len(given), 2)

    def test_held_requests_never_take_all_of_a_smaller_account(self):
        for total in (10, 20, 50, 100, 119):
            given = {key: float(value) for key, value in self.advise(total).items()}
            self.assertEqual((given["ReviewsConcurrency"], given["McpConcurrency"]), (0, 0))
            self.assertLess(given["MaxWaitMs"] / 1000, concurrency.CALL_SECONDS)
            # Each of these routes has a bucket of its own.
            routes = [("Wait", self.routes("Wait")), ("Mcp", self.routes("Mcp"))]
            at_once = sum(count * given[f"{it}ThrottlingBurst"] for it, count in routes)
            after_that = sum(count * given[f"{it}ThrottlingRate"] * concurrency.CALL_SECONDS for it, count in routes)
            self.assertLess(at_once + after_that, total, given)
            # However long they go on.
            self.assertLess(after_that + 2 * given["WebhooksConcurrency"], total / 2 + 1, given)
            # The first calls of an MCP client, and then one in two seconds.
            self.assertGreaterEqual(given["McpThrottlingBurst"], 4)
            self.assertGreaterEqual(given["McpThrottlingRate"], 0.5)

    def test_what_other_functions_reserve_cannot_be_reserved_again(self):
        self.assertEqual(self.advise(1_000, 500), {"ReviewsConcurrency": "188", "McpConcurrency": "62"})
        self.assertEqual(self.advise(1_000, 100)["ReviewsConcurrency"], "0")
        own = self.advise(1_000, 500, {"ReviewsConcurrency": "375", "McpConcurrency": "125"})
        self.assertEqual(own, {"ReviewsConcurrency": "375", "McpConcurrency": "125"})

    def test_a_stack_of_a_small_account_gets_the_usual_values_once_the_account_can_reserve(self):
        given = self.advise(1_000, deployed=self.advise(10))
        self.assertEqual(given, concurrency.DEFAULTS | {"ReviewsConcurrency": "375", "McpConcurrency": "125"})
        text = (ROOT / "infra/template.yaml").read_text()
        for key, value in concurrency.DEFAULTS.items():
            self.assertEqual(re.search(rf"\n  {key}:\n    Type: Number\n    Default: (\S+)", text)[1], value, key)

    def advise(self, total, unreserved=None, deployed=None):
        limits = concurrency.AccountLimits(total, total if unreserved is None else unreserved)
        return concurrency.advise(limits, deployed).parameters

    def routes(self, throttle):
        """How many routes of the template have this throttle."""
        return (ROOT / "infra/template.yaml").read_text().count(f"ThrottlingRateLimit: !Ref {throttle}ThrottlingRate\n")


class MailAddresses(unittest.TestCase):
    def test_an_address_belongs_to_itself_its_domain_and_those_above(self):
        for address, identity, expected in (
            ("placet@example.com", "example.com", True), ("placet@mail.example.com", "example.com", True),
            ("placet@Example.com", "example.com", True), ("placet@example.com", "placet@example.com", True),
            ("placet@notexample.com", "example.com", False), ("placet@example.com", "mail.example.com", False),
            ("other@example.com", "placet@example.com", False), ("placet@example.com", "none.invalid", False),
            ("placet@example.com", "", False), ("", "example.com", False),
        ):
            self.assertEqual(mail.belongs(address, identity), expected, (address, identity))


class Rollbacks(unittest.TestCase):
    def test_a_rollback_that_failed_is_named_before_anything_is_deployed(self):
        with self.assertRaisesRegex(DeployError, "continue-update-rollback --stack-name some"):
            stack.refuse_failed_rollback({"StackName": "some", "StackStatus": "UPDATE_ROLLBACK_FAILED"})
        for accepted in (None, {"StackName": "some", "StackStatus": "UPDATE_ROLLBACK_COMPLETE"}):
            stack.refuse_failed_rollback(accepted)


class Architectures(unittest.TestCase):
    def test_a_new_stack_runs_on_arm64_if_it_can_be_built(self):
        for installed, expected in (("x86_64-unknown-linux-gnu\n", "x86_64"), (f"{stack.ARM_TARGET}\nx86_64-unknown-linux-gnu\n", "arm64")):
            with mock.patch.object(stack.subprocess, "run", return_value=mock.Mock(stdout=installed)):
                self.assertEqual(stack.default_architecture(), expected)
        with mock.patch.object(stack.subprocess, "run", side_effect=FileNotFoundError):
            self.assertEqual(stack.default_architecture(), "x86_64")


# Parameters that the SAM CLI reads otherwise without quotes.
VALUES = {"AllowedOrigins": "https://a.example,https://b.example", "BudgetEmail": 'a "b" c=d', "HostedZoneId": "", "MemorySize": "512"}


class Config(unittest.TestCase):
    def setUp(self):
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.config = StackConfig(self.directory)

    def test_parameters_of_an_earlier_version_belong_to_their_stack_alone(self):
        (self.directory / "samconfig.toml").write_text(
            '[default.global.parameters]\nstack_name = "placet"\n[default.deploy.parameters]\nregion = "eu-west-1"\n'
            'parameter_overrides = "MemorySize=\\"256\\" Architecture=\\"arm64\\""\n')
        self.assertEqual(self.config.parameters("placet", "eu-west-1"), {"MemorySize": "256", "Architecture": "arm64"})
        self.assertEqual(self.config.region("placet"), "eu-west-1")
        self.assertEqual(self.config.parameters("other", "eu-west-1"), {})
        self.assertEqual(self.config.parameters("placet", "us-east-1"), {})

    def test_what_is_saved_can_be_read_by_the_sam_cli_and_keeps_other_stacks(self):
        self.config.save("a", "eu-west-1", {"MemorySize": "256"})
        self.config.save("b", "eu-west-1", VALUES)
        self.config.save("a", "eu-west-1", {"MemorySize": "128"})
        stored = tomllib.loads(self.config.path.read_text())
        self.assertEqual(sorted(stored), ["a_eu-west-1", "b_eu-west-1"])
        self.assertEqual(stored["a_eu-west-1"]["deploy"]["parameters"]["stack_name"], "a")
        self.assertEqual(self.config.parameters("b", "eu-west-1"), VALUES)
        overrides = stored["b_eu-west-1"]["deploy"]["parameters"]["parameter_overrides"]
        self.assertEqual(CfnParameterOverridesType().convert(overrides, None, None), VALUES)

    def test_values_that_an_earlier_version_stored_without_quotes_are_read(self):
        self.config.path.write_text('[a_eu-west-1.deploy.parameters]\nparameter_overrides = ["MemorySize=256", "MailFrom="]\n')
        self.assertEqual(self.config.parameters("a", "eu-west-1"), {"MemorySize": "256", "MailFrom": ""})

    def test_a_value_that_the_sam_cli_would_change_is_refused(self):
        with self.assertRaisesRegex(DeployError, "backslash"):
            sam_overrides({"BudgetEmail": "a\\ b"})

    def test_tags_are_stored_with_the_parameters(self):
        self.config.save("a", "eu-west-1", {}, {"team": "inbox"})
        self.assertEqual(self.config.tags("a", "eu-west-1"), {"team": "inbox"})
        self.assertEqual(self.config.tags("b", "eu-west-1"), {})

    def test_a_malformed_parameter_is_named(self):
        with self.assertRaisesRegex(DeployError, "Memory, Size"):
            from deployment.config import parse_parameters
            parse_parameters(["Memory", "A=1", "Size"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
