"""Restores a table to a point in time, as a new table that a stack can use. Each step can be repeated."""

import time
from datetime import datetime, timezone

from botocore.exceptions import ClientError

from deployment import DeployError

ATTEMPTS, PAUSE = 720, 10  # two hours: DynamoDB names no upper limit, and most restores take less than one


def parse_time(text):
    """A moment in ISO 8601 with its offset, or None for the latest that is possible."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise DeployError(f"{text} is not a time with its offset, such as 2026-11-24T09:00:00Z.")
    return moment


def new_name(stack):
    return f"{stack}-restored-{datetime.now(timezone.utc):%Y%m%d%H%M%S}"


def restore(session, source, target, moment):
    """Starts the restore, unless the target exists, and waits until the table is active."""
    client = session.client("dynamodb")
    to = {"RestoreDateTime": moment} if moment else {"UseLatestRestorableTime": True}
    try:
        client.restore_table_to_point_in_time(SourceTableName=source, TargetTableName=target, **to)
    except (client.exceptions.TableAlreadyExistsException, client.exceptions.TableInUseException):  # the latter while it is created
        print(f"{target} exists already.")
    client.get_waiter("table_exists").wait(TableName=target, WaiterConfig={"Delay": PAUSE, "MaxAttempts": ATTEMPTS})


def prepare(session, table):
    """Sets what a restore leaves out. Returns the label of the table's stream."""
    client = session.client("dynamodb")
    specification = client.describe_table(TableName=table)["Table"].get("StreamSpecification", {})
    if not specification.get("StreamEnabled"):
        client.update_table(TableName=table, StreamSpecification={
            "StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        _await_active(client, table)
    client.update_table(TableName=table, DeletionProtectionEnabled=True)
    _await_active(client, table)
    _enable_recovery(client, table)
    try:
        client.update_time_to_live(
            TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    except ClientError as err:
        if "already enabled" not in str(err):
            raise
    return client.describe_table(TableName=table)["Table"]["LatestStreamLabel"]


def _enable_recovery(client, table):
    """A new table refuses this until its continuous backups are set up, which takes a moment longer than the table."""
    for _ in range(ATTEMPTS):
        try:
            client.update_continuous_backups(
                TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
            return
        except client.exceptions.ContinuousBackupsUnavailableException:
            time.sleep(PAUSE)
    raise DeployError(f"Point-in-time recovery of the table {table} cannot be enabled.")


def _await_active(client, table):
    for _ in range(ATTEMPTS):
        if client.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE":
            return
        time.sleep(PAUSE)
    raise DeployError(f"The table {table} did not become active.")
