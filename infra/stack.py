"""Deploys a stack, shows its outputs, creates its owner, and deletes it. `make help` lists the commands;
docs/OPERATIONS.md explains them.

The region and the profile are the environment's, else those of the stack in stacks.toml, else the AWS configuration's.
"""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from deployment import (
    DeployError, concurrency, dead_letters, deployment_secrets, mail, plugins as own_plugins, restored_table, retained_data,
    schema_version)
from deployment.config import ROOT, StackConfig, parse_parameters, sam_overrides

CONFIG = StackConfig(os.environ.get("PLACET_STACK_CONFIG") or ROOT)
ARM_TARGET = "aarch64-unknown-linux-gnu"


# ------------------------------------------------------------------------------ the stack


def aws_session(stack):
    # boto3 itself knows only the second of the two variables.
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or CONFIG.region(stack)
    session = boto3.Session(region_name=region)
    if not session.region_name:
        raise NoRegionError()
    if session.get_credentials() is None:
        raise NoCredentialsError()
    return session


def find_stack(session, name):
    """The stack, or None. A stack whose first change set was never executed does not count."""
    try:
        stack = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as err:
        if err.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(err):
            return None
        raise
    return None if stack["StackStatus"] in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE") else stack


def require_stack(session, name):
    stack = find_stack(session, name)
    if stack is None:
        raise DeployError(f"There is no stack {name} in {session.region_name}: create it with `make deploy`.")
    return stack


def outputs_of(stack):
    return {it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", [])}


def parameters_of(stack):
    return {it["ParameterKey"]: it["ParameterValue"] for it in (stack or {}).get("Parameters", [])}


# ------------------------------------------------------------------------------ other programs


def run(command, env=None):
    status = subprocess.run(command, cwd=ROOT, env=env).returncode
    if status != 0:
        raise DeployError(f"`{shlex.join(command[:2])}` failed; its output is above.")


def sam(session, *arguments):
    """Runs the SAM CLI of this Python's venv, which finds cargo-lambda on the same path."""
    directory = Path(sys.executable).parent
    path = os.pathsep.join([str(directory), os.environ.get("PATH", "")])
    env = os.environ | {"PATH": path, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": session.region_name}
    run([str(directory / "sam"), *arguments], env)


def default_architecture():
    """arm64, which is cheaper, if its Rust target is installed; else x86_64."""
    try:
        listed = subprocess.run(["rustup", "target", "list", "--installed"], capture_output=True, text=True).stdout
    except OSError:
        listed = ""
    return "arm64" if ARM_TARGET in listed.split() else "x86_64"


# ------------------------------------------------------------------------------ commands


def secret(session, args):
    print(f"Version {deployment_secrets.create(session, args.stack)} of {deployment_secrets.name(args.stack)}.")


def rotate(session, args):
    """Replaces the stack's secret. The functions restart with each new version of the parameter."""
    if "SecretsVersion" not in parameters_of(require_stack(session, args.stack)):
        raise DeployError(f"The stack {args.stack} was deployed by an earlier version: run `make deploy` first.")
    cloudformation = session.client("cloudformation")
    for version in deployment_secrets.rotations(session, args.stack, args.revoke):
        print(f"The functions change to version {version} of {deployment_secrets.name(args.stack)} ...")
        parameters = parameters_of(require_stack(session, args.stack)) | {"SecretsVersion": str(version)}
        cloudformation.update_stack(
            StackName=args.stack, UsePreviousTemplate=True, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()])
        cloudformation.get_waiter("stack_update_complete").wait(StackName=args.stack, WaiterConfig={"Delay": 2, "MaxAttempts": 900})
    print("The secret is replaced. " + ("No previous one is accepted." if args.revoke else "Previous ones are still accepted."))


def deploy(session, args):
    stack = find_stack(session, args.stack)
    refuse_failed_rollback(stack)
    refuse_newer_table(session, stack)
    parameters = choose_parameters(session, args, stack)
    mail.check(parameters_of(stack) | parameters)
    overrides = sam_overrides(parameters)
    print(f"Stack       {args.stack} in {session.region_name}, {'update' if stack else 'new'}")
    print(f"Account     {session.client('sts').get_caller_identity()['Account']}")
    tags = CONFIG.tags(args.stack, session.region_name) | parse_parameters(args.tag)
    for key, value in sorted(parameters.items()):
        print(f"Parameter   {key}={value}")
    for key, value in sorted(tags.items()):
        print(f"Tag         {key}={value}")
    if not stack and not args.yes:
        confirm("Create the stack? Type its name: ", args.stack, "Nothing was deployed.")
    version = deployment_secrets.create(session, args.stack)
    plugins = args.plugins or (own_plugins.DIRECTORY if own_plugins.DIRECTORY.is_dir() else None)
    if plugins:
        print(f"Plugins     {plugins}")
        # As strictly as the bundled plugins are checked when they are compiled in.
        run([built("placet-local"), "check-plugins", str(Path(plugins).resolve())])
    if not args.template:
        sam(session, "build", "--parameter-overrides", f"Architecture={parameters['Architecture']}")
    own_plugins.add(Path(args.template).parent if args.template else ROOT / ".aws-sam" / "build", plugins)
    # Not from samconfig.toml, which the SAM CLI reads only next to the template.
    sam(session, "deploy", "--stack-name", args.stack, "--region", session.region_name, "--resolve-s3",
        "--capabilities", "CAPABILITY_IAM", "--no-fail-on-empty-changeset",
        "--no-confirm-changeset" if args.yes else "--confirm-changeset",
        *(["--template-file", args.template] if args.template else []),
        *(["--tags", *(f"{key}={value}" for key, value in sorted(tags.items()))] if tags else []),
        "--parameter-overrides", *overrides, f"SecretsVersion={version}")
    # Not before: a value that was refused would fail every later deployment.
    CONFIG.save(args.stack, session.region_name, parameters, tags)
    record_schema_version(session, args, is_new=stack is None)


def restore(session, args):
    """Restores the stack's table to a point in time and deploys the stack on the result: URL, bucket and secret stay."""
    source = require_resources(session, args)["Table"]
    moment, target = restored_table.parse_time(args.to), args.table or restored_table.new_name(args.stack)
    print(f"Stack       {args.stack} in {session.region_name}\nFrom        {source}, {moment or 'latest possible time'}\nTo          {target}")
    if not args.yes:
        confirm("What was written since then disappears from the stack. Type its name: ", args.stack, "Nothing was restored.")
    print(f"Restoring: this can take an hour. If it is interrupted, repeat it with `--table {target}`.")
    restored_table.restore(session, source, target, moment)
    stream = restored_table.prepare(session, target)
    args.parameters = [*args.parameters, f"ExistingTable={target}", f"ExistingTableStream={stream}"]
    deploy(session, args)
    print(f"The stack uses {target}. {source} remains, and is protected from deletion.")


def refuse_failed_rollback(stack):
    if stack and stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
        raise DeployError(f"The last update of {stack['StackName']} failed, and so did its rollback (UPDATE_ROLLBACK_FAILED). Remove the "
                          "cause that the stack's events name, then run `aws cloudformation continue-update-rollback "
                          f"--stack-name {stack['StackName']}`, and deploy again.")


def refuse_newer_table(session, stack):
    """Stops a deployment of functions that could not read what newer ones have stored."""
    table = outputs_of(stack).get("Table") if stack else None
    found = schema_version.is_newer(session, table) if table else None
    if found:
        raise DeployError(f"The table {table} has data of schema version {found}; this version of placet-serverless reads "
                          f"versions up to {schema_version.VERSION}. Deploy a newer version.")


def record_schema_version(session, args, is_new):
    table = outputs_of(require_stack(session, args.stack)).get("Table")
    if table and schema_version.record(session, table) and not is_new:
        print("The table may have items of an earlier schema version. They are read as before; `make migrate` updates them.")


def choose_parameters(session, args, stack):
    """The stored parameters with the command line's; for a new stack also what suits the account."""
    deployed = parameters_of(stack)
    chosen = CONFIG.parameters(args.stack, session.region_name) | parse_parameters(args.parameters)
    if args.architecture:
        chosen["Architecture"] = args.architecture
    known = deployed | chosen
    chosen.setdefault("Architecture", deployed.get("Architecture") or default_architecture())
    advice = concurrency.advise(concurrency.read_limits(session), deployed)
    if stack is None:
        print(advice.text)
        return {key: value for key, value in advice.parameters.items() if key not in known} | chosen
    if any(known.get(key) != value for key, value in advice.parameters.items()):
        others = " ".join(f"{key}={value}" for key, value in advice.parameters.items() if known.get(key) != value)
        print(f"{advice.text}\nThis stack has other values, which stay. To change them: make deploy PARAMETERS=\"{others}\"")
    return chosen


def outputs(session, args):
    require_stack(session, args.stack)
    sam(session, "list", "stack-outputs", "--stack-name", args.stack, "--region", session.region_name, "--output", "table")


def owner(session, args):
    resources = require_resources(session, args)
    print(f"Inbox     {resources.get('Url')}")
    run_binary(session, resources, "placet-owner", args.email)


def migrate(session, args):
    run_binary(session, require_resources(session, args), "placet-migrate")


def export(session, args):
    """Copies everything that the stack stores into a folder."""
    run_binary(session, require_resources(session, args), "placet-transfer", "export", args.folder)


def import_(session, args):
    """Copies everything from a folder into a new stack."""
    run_binary(session, require_resources(session, args), "placet-transfer", "import", args.folder)
    print(f"Copy the secret, too, if plugins have secret settings: {deployment_secrets.name(args.stack)}.")


def redrive(session, args):
    resources = require_resources(session, args)
    processed, left = dead_letters.redrive(session, resources["EventsFunction"], resources["Bucket"])
    if left:
        raise DeployError(f"Processed {processed} dead letters; {left} remain, as said above.")
    print(f"Processed {processed} dead letters.")


def require_resources(session, args):
    """The outputs of a stack that has its table."""
    resources = outputs_of(require_stack(session, args.stack))
    if "Table" not in resources:
        raise DeployError(f"The stack {args.stack} has no table yet: see its events in the CloudFormation console.")
    return resources


def run_binary(session, resources, name, *arguments):
    """Builds one of the workspace's programs and runs it on the stack's table and bucket."""
    run([built(name), "--table", resources["Table"], "--bucket", resources["Bucket"], *arguments], aws_environment(session))


def built(name):
    """One of the workspace's programs, built with the whole workspace to reuse what was compiled for `make run`."""
    run(["cargo", "build", "--quiet", "--workspace", "--bin", name])
    return str(Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / name)


def aws_environment(session):
    """The environment with resolved credentials, because another SDK may not support the profile."""
    keys = session.get_credentials().get_frozen_credentials()
    env = {name: value for name, value in os.environ.items()
           if name not in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")}
    env |= {"AWS_ACCESS_KEY_ID": keys.access_key, "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_REGION": session.region_name, "AWS_DEFAULT_REGION": session.region_name}
    return env | ({"AWS_SESSION_TOKEN": keys.token} if keys.token else {})


def destroy(session, args):
    stack = find_stack(session, args.stack)
    stack_id = stack["StackId"] if stack else args.with_data and retained_data.last_deleted_stack(session, args.stack)
    if not stack_id:
        raise DeployError(f"There is no stack {args.stack} in {session.region_name}.")
    table, bucket = (retained_data.physical_id(session, stack_id, name) for name in ("Table", "Bucket"))
    if not stack and not (table and bucket):
        raise DeployError(f"The stack {args.stack} is deleted, and AWS no longer lists its resources: look for its data in "
                          f"DynamoDB and S3, and for {deployment_secrets.name(args.stack)} in Parameter Store.")
    print(f"Stack   {args.stack} in {session.region_name}" + ("" if stack else ", already deleted"))
    print(f"Table   {table}\nBucket  {bucket}\nSecrets {deployment_secrets.name(args.stack)}")
    for name in ("ExistingTable", "ExistingBucket"):
        if parameters_of(stack).get(name):
            print(f"Stays   {parameters_of(stack)[name]}, which the stack uses by its parameter {name}")
    # Every question comes before the first deletion.
    nothing = "Nothing was deleted."
    confirm(f"To delete the stack{' and its data' if args.with_data else ''}, type its name: ", args.stack, nothing)
    if args.with_data:
        question = "All messages, files and accounts will be deleted permanently. Type `delete the data`: "
        confirm(question, "delete the data", nothing)
    if stack:
        sam(session, "delete", "--stack-name", args.stack, "--region", session.region_name, "--no-prompts")
    if not args.with_data:
        print("The stack is deleted. Table, bucket and secrets remain; `make destroy WITH_DATA=yes` deletes them too.")
        return
    # The secrets are deleted last, because the remaining data is encrypted with it.
    retained_data.delete_table(session, table)
    retained_data.delete_bucket(session, bucket)
    deployment_secrets.delete(session, args.stack)
    print("The stack and its data are deleted.")


def confirm(question, expected, otherwise):
    try:
        answer = input(question)
    except EOFError:
        answer = None
    if answer is None or answer.strip() != expected:
        raise DeployError(otherwise)


# ------------------------------------------------------------------------------ command line


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--stack", default=os.environ.get("STACK") or "placet")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(action, text):
        parser = commands.add_parser(action.__name__.rstrip("_"), help=text)
        parser.set_defaults(action=action)
        return parser

    command(rotate, "replace the stack's secret; what the previous one signed and encrypted stays valid").add_argument(
        "--revoke", action="store_true", help="accept no previous secret any more, because one may have leaked")
    command(secret, "create the stack's secrets if they are absent")
    restoring = command(restore, "restore the table to a point in time and deploy the stack on the result")
    restoring.add_argument("--to", metavar="TIME", help="such as 2026-11-24T09:00:00Z; default: the latest possible")
    restoring.add_argument("--table", help="the name of the restored table; repeats an interrupted restore")
    for deploying in (command(deploy, "build and deploy"), restoring):
        deploying.add_argument("--architecture", choices=["x86_64", "arm64"],
                               help="of the functions; for a new stack arm64 if its Rust target is installed")
        deploying.add_argument("--template", help="deploy this built template instead of building")
        deploying.add_argument("--plugins", help="a directory with plugins of your own; default: the folder plugins, if there is one")
        deploying.add_argument("--yes", action="store_true", help="ask nothing")
        deploying.add_argument("--tag", action="append", default=[], metavar="Key=value", help="of all resources; stored")
        deploying.add_argument("parameters", nargs="*", metavar="Key=value", help="parameters of the stack, which are stored")
    command(outputs, "show the stack's outputs")
    command(migrate, "bring the stored items to the current schema version; can be interrupted and repeated")
    for action, text in ((export, "copy everything into a folder; can be interrupted and repeated"),
                         (import_, "copy everything from a folder into a new stack; can be repeated")):
        command(action, text).add_argument("folder", help="the folder of the export")
    command(redrive, "process the records of the table's stream again that the function Events could not process")
    command(owner, "create the first owner, or reset the password of an account").add_argument("email")
    command(destroy, "delete the stack; its data is kept").add_argument(
        "--with-data", action="store_true", help="delete table, bucket and secrets too")
    return parser.parse_args()


def main():
    args = parse_arguments()
    sys.stdout.reconfigure(line_buffering=True)  # keeps the order with the output of other programs
    try:
        args.action(aws_session(args.stack), args)
    except DeployError as err:
        sys.exit(str(err))
    except NoCredentialsError:
        sys.exit("There are no AWS credentials: set AWS_PROFILE, or run `aws configure` or `aws sso login`.")
    except NoRegionError:
        sys.exit("No AWS region is chosen: set AWS_REGION.")
    except (BotoCoreError, ClientError) as err:
        sys.exit(f"AWS rejected the request or could not be reached: {err}")
    except KeyboardInterrupt:
        sys.exit("Stopped.")


if __name__ == "__main__":
    main()
