"""The schema version of a deployed table: the item that shared/src/storage/migrations.rs describes."""

from pathlib import Path

VERSION = int((Path(__file__).resolve().parent.parent / "schema-version").read_text())
KEY = {"pk": {"S": "SCHEMA"}, "sk": {"S": "SCHEMA"}}


def is_newer(session, table):
    """The version of the table if it is newer than this code, else None."""
    item = session.client("dynamodb").get_item(TableName=table, Key=KEY, ConsistentRead=True).get("Item", {})
    found = int(item.get("version", {"N": "0"})["N"])
    return found if found > VERSION else None


def record(session, table):
    """Records that the deployed functions write items of this version. Gives whether that is news."""
    dynamodb = session.client("dynamodb")
    try:
        dynamodb.update_item(
            TableName=table, Key=KEY,
            UpdateExpression="SET #version = :version, migratedTo = if_not_exists(migratedTo, :none), "
                             "v = if_not_exists(v, :version)",
            ConditionExpression="attribute_not_exists(#version) OR #version < :version",
            ExpressionAttributeNames={"#version": "version"},
            ExpressionAttributeValues={":version": {"N": str(VERSION)}, ":none": {"N": "0"}})
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True
