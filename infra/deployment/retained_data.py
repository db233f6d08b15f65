"""Deletes what a deleted stack leaves: its table and its bucket."""

from botocore.exceptions import ClientError


def last_deleted_stack(session, name):
    """The id of the last deleted stack of this name. CloudFormation keeps it for 90 days with the names of the retained
    resources, so an interrupted deletion of data can be repeated."""
    pages = session.client("cloudformation").get_paginator("list_stacks").paginate(
        StackStatusFilter=["DELETE_COMPLETE"])
    deleted = [it for page in pages for it in page["StackSummaries"] if it["StackName"] == name]
    return max(deleted, key=lambda it: it["CreationTime"])["StackId"] if deleted else None


def physical_id(session, stack_id, logical_id):
    """The physical id of a resource of an existing or deleted stack; None if it has none."""
    try:
        detail = session.client("cloudformation").describe_stack_resource(
            StackName=stack_id, LogicalResourceId=logical_id)["StackResourceDetail"]
    except ClientError as err:
        if err.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(err):
            return None
        raise
    return detail.get("PhysicalResourceId") or None


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
        # Includes old versions, in case versioning was enabled.
        contents.object_versions.delete()
        contents.delete()
    except ClientError as err:
        if err.response["Error"]["Code"] == "NoSuchBucket":
            return
        raise
    print(f"Deleted {bucket}.")
