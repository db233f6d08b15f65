"""A deployed stack, from the command line: its secret, its deployment, its outputs, its first
owner, and its end. `make help` lists the commands; docs/OPERATIONS.md explains them.

Region and profile are those that the SAM CLI uses: the environment's, else samconfig.toml's, else
the AWS configuration's.
"""

import argparse
import os
import secrets
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, WaiterError

ROOT = Path(__file__).resolve().parent.parent
SAMCONFIG = ROOT / "samconfig.toml"
DEFAULT_ARCHITECTURE = "x86_64"  # the template's


class Trouble(Exception):
    """What stops a command, in one sentence."""


# ------------------------------------------------------------------------------ settings


def samconfig(command):
    """What samconfig.toml says to a command of the SAM CLI."""
    if not SAMCONFIG.exists():
        return {}
    with SAMCONFIG.open("rb") as file:
        default = tomllib.load(file).get("default", {})
    return default.get("global", {}).get("parameters", {}) | default.get(command, {}).get("parameters", {})


def parameter_overrides():
    """The stack's parameters that samconfig.toml chooses."""
    chosen = samconfig("deploy").get("parameter_overrides", [])
    pairs = shlex.split(chosen) if isinstance(chosen, str) else chosen
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def aws_session():
    env, config = os.environ, samconfig("deploy")
    profile = env.get("AWS_PROFILE") or (None if env.get("AWS_ACCESS_KEY_ID") else config.get("profile"))
    # boto3 itself knows only the second of the two variables.
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or config.get("region")
    session = boto3.Session(profile_name=profile, region_name=region)
    if not session.region_name:
        raise NoRegionError()
    if session.get_credentials() is None:
        raise NoCredentialsError()
    return session


# ------------------------------------------------------------------------------ reading


def find_stack(session, name):
    """The stack, or None. One that was begun and never confirmed is none yet."""
    try:
        stack = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as err:
        if err.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(err):
            return None
        raise
    return None if stack["StackStatus"] in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE") else stack


def stack_of(session, name):
    stack = find_stack(session, name)
    if stack is None:
        raise Trouble(f"There is no stack {name} in {session.region_name}: `make deploy` makes it.")
    return stack


def outputs_of(stack):
    return {it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", [])}


def last_deleted_stack(session, name):
    """The id of the last stack of that name, which AWS remembers for 90 days. It still knows what
    the stack left behind, so a removal of data that was cut short can be repeated."""
    pages = session.client("cloudformation").get_paginator("list_stacks").paginate(
        StackStatusFilter=["DELETE_COMPLETE"])
    deleted = [it for page in pages for it in page["StackSummaries"] if it["StackName"] == name]
    return max(deleted, key=lambda it: it["CreationTime"])["StackId"] if deleted else None


def physical_id(session, stack_id, logical_id):
    """The name of a resource of a stack, be the stack there or deleted; None if it has none."""
    try:
        detail = session.client("cloudformation").describe_stack_resource(
            StackName=stack_id, LogicalResourceId=logical_id)["StackResourceDetail"]
    except ClientError as err:
        if err.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(err):
            return None
        raise
    return detail.get("PhysicalResourceId") or None


# ------------------------------------------------------------------------------ commands


def secret(session, args):
    name = secret_name(args.stack)
    try:
        # Not a SecureString: CloudFormation resolves none into a function's environment.
        # Never overwritten: what it sealed could not be opened again.
        session.client("ssm").put_parameter(
            Name=name, Value=secrets.token_urlsafe(36), Type="String", Overwrite=False,
            Description="What signs share links and encrypts plugin settings of this placet-serverless stack.")
        print(f"Made {name}.")
    except ClientError as err:
        if err.response["Error"]["Code"] != "ParameterAlreadyExists":
            raise
        print(f"{name} is there already.")


def secret_name(stack):
    return f"/placet/{stack}/secret"


def deploy(session, args):
    stack = find_stack(session, args.stack)
    architecture = args.architecture or deployed_architecture(stack)
    secret(session, args)
    sam("build", "--parameter-overrides", f"Architecture={architecture}")
    # Named in full, so that the guided run proposes what the secret was made for.
    options = ["--stack-name", args.stack, "--region", session.region_name]
    if args.architecture and args.architecture != deployed_architecture(stack):
        chosen = parameter_overrides() | {"Architecture": architecture}
        options += ["--parameter-overrides", *(f"{key}={value}" for key, value in chosen.items())]
    if stack is None:
        print(f"Built for {architecture}. Leave stack name, region and Architecture as proposed; to choose others:\n"
              "  AWS_REGION=... make deploy STACK=... ARCHITECTURE=...")
        options.append("--guided")
    sam("deploy", *options)


def deployed_architecture(stack):
    """What `sam deploy` would leave the functions on when told nothing."""
    before = {it["ParameterKey"]: it["ParameterValue"] for it in (stack or {}).get("Parameters", [])}
    return (before | parameter_overrides()).get("Architecture", DEFAULT_ARCHITECTURE)


def sam(*arguments):
    """Runs the SAM CLI of this Python's venv, which finds cargo-lambda beside itself."""
    here = str(Path(sys.executable).parent)
    path = os.pathsep.join([here, os.environ.get("PATH", "")])
    run([str(Path(here) / "sam"), *arguments], os.environ | {"PATH": path, "SAM_CLI_TELEMETRY": "0"})


def run(command, env):
    status = subprocess.run(command, cwd=ROOT, env=env).returncode
    if status != 0:
        raise Trouble(f"`{shlex.join(command[:2])}` failed: it says why above.")


def outputs(session, args):
    for key, value in sorted(outputs_of(stack_of(session, args.stack)).items()):
        print(f"{key:<18} {value}")


def owner(session, args):
    made = outputs_of(stack_of(session, args.stack))
    if "Table" not in made:
        raise Trouble(f"The stack {args.stack} has no table yet: look at its events in the CloudFormation console.")
    keys = session.get_credentials().get_frozen_credentials()
    # The profile was resolved here: it need not be one that another SDK understands.
    env = {name: value for name, value in os.environ.items()
           if name not in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")}
    env |= {"AWS_ACCESS_KEY_ID": keys.access_key, "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_REGION": session.region_name, "AWS_DEFAULT_REGION": session.region_name}
    if keys.token:
        env["AWS_SESSION_TOKEN"] = keys.token
    print(f"Inbox     {made.get('Url')}")
    # As a part of the workspace: what was compiled for `make run` serves here, too.
    run(["cargo", "build", "--workspace", "--bin", "placet-owner"], env)
    binary = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/placet-owner"
    run([str(binary), "--table", made["Table"], "--bucket", made["Bucket"], args.email], env)


# ------------------------------------------------------------------------------ the end


def destroy(session, args):
    stack = find_stack(session, args.stack)
    stack_id = stack["StackId"] if stack else args.with_data and last_deleted_stack(session, args.stack)
    if not stack_id:
        raise Trouble(f"There is no stack {args.stack} in {session.region_name}.")
    table, bucket = physical_id(session, stack_id, "Table"), physical_id(session, stack_id, "Bucket")
    if not stack and not (table and bucket):
        raise Trouble(f"The stack {args.stack} is gone, and AWS does not say any more what it left: "
                      f"look in DynamoDB, in S3, and for {secret_name(args.stack)} in Parameter Store.")
    print(f"Stack   {args.stack} in {session.region_name}" + ("" if stack else ", deleted before"))
    print(f"Table   {table}\nBucket  {bucket}\nSecret  {secret_name(args.stack)}")
    # Everything is asked before anything is done.
    confirm(f"To delete the stack{' and its data' if args.with_data else ''}, type its name: ", args.stack)
    if args.with_data:
        confirm("All messages, files and accounts go for good. Type `delete the data`: ", "delete the data")
    if stack:
        delete_stack(session, stack_id)
    if not args.with_data:
        print("The stack is gone. Table, bucket and secret stay; `make destroy WITH_DATA=yes` deletes them too.")
        return
    # The secret goes last: while any data is left it is of use.
    delete_table(session, table)
    delete_bucket(session, bucket)
    delete_secret(session, args.stack)
    print("The stack and its data are gone.")


def confirm(question, expected):
    try:
        answer = input(question)
    except EOFError:
        answer = None
    if answer is None or answer.strip() != expected:
        raise Trouble("Nothing was deleted.")


def delete_stack(session, stack_id):
    client = session.client("cloudformation")
    client.delete_stack(StackName=stack_id)
    print("Deleting the stack ...")
    try:
        client.get_waiter("stack_delete_complete").wait(StackName=stack_id, WaiterConfig={"Delay": 5, "MaxAttempts": 360})
    except WaiterError as err:
        raise Trouble("The stack could not be deleted: its events in the CloudFormation console say why.") from err


def delete_table(session, table):
    if table is None:
        return
    client = session.client("dynamodb")
    try:
        if client.describe_table(TableName=table)["Table"].get("DeletionProtectionEnabled"):
            client.update_table(TableName=table, DeletionProtectionEnabled=False)
            client.get_waiter("table_exists").wait(TableName=table)
        client.delete_table(TableName=table)
    except client.exceptions.ResourceNotFoundException:
        return
    print(f"Deleted {table}.")


def delete_bucket(session, bucket):
    if bucket is None:
        return
    contents = session.resource("s3").Bucket(bucket)
    try:
        for upload in contents.multipart_uploads.all():
            upload.abort()
        # Versions too, should somebody have switched them on.
        contents.object_versions.delete()
        contents.delete()
    except ClientError as err:
        if err.response["Error"]["Code"] == "NoSuchBucket":
            return
        raise
    print(f"Deleted {bucket}.")


def delete_secret(session, stack):
    client = session.client("ssm")
    try:
        client.delete_parameter(Name=secret_name(stack))
    except client.exceptions.ParameterNotFound:
        return
    print(f"Deleted {secret_name(stack)}.")


# ------------------------------------------------------------------------------ command line


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--stack", default=os.environ.get("STACK") or samconfig("deploy").get("stack_name", "placet"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(action, text):
        parser = commands.add_parser(action.__name__, help=text)
        parser.set_defaults(action=action)
        return parser

    command(secret, "make the stack's secret, unless it has one")
    command(deploy, "build and deploy; the first time it asks for the parameters").add_argument(
        "--architecture", choices=["x86_64", "arm64"], help="what the functions run on; as before, else x86_64")
    command(outputs, "print the stack's outputs")
    command(owner, "make the first owner, an agent and an API key, and show them once; a known address gets a new password").add_argument("email")
    command(destroy, "delete the stack; its data stays").add_argument(
        "--with-data", action="store_true", help="delete table, bucket and secret too")
    return parser.parse_args()


def main():
    args = arguments()
    sys.stdout.reconfigure(line_buffering=True)  # in order with what the commands print
    try:
        args.action(aws_session(), args)
    except Trouble as trouble:
        sys.exit(str(trouble))
    except NoCredentialsError:
        sys.exit("There are no AWS credentials: set AWS_PROFILE, or run `aws configure` or `aws sso login`.")
    except NoRegionError:
        sys.exit("No AWS region is chosen: set AWS_REGION.")
    except (BotoCoreError, ClientError) as err:
        sys.exit(f"AWS refused, or could not be reached: {err}")
    except KeyboardInterrupt:
        sys.exit("Stopped.")


if __name__ == "__main__":
    main()
