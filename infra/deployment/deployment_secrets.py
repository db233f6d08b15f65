"""The secrets of a stack: a SecureString of the Systems Manager, created outside of the stack, because the retained data is
encrypted with it.

It is a list, separated by commas. The first secret signs and encrypts; those that it replaced follow and are still accepted.
Each deployment uses one version of the parameter, which the stack's parameter SecretsVersion names.
"""

import secrets

from botocore.exceptions import ClientError

MAX_PREVIOUS = 5  # a parameter holds 4 KB


def name(stack):
    return f"/placet/{stack}/secrets"


def former_name(stack):
    """The parameter of earlier versions: a String, whose type cannot be changed."""
    return f"/placet/{stack}/secret"


def create(session, stack):
    """Creates the parameter unless it exists. Returns its current version."""
    client = session.client("ssm")
    found = _read(client, name(stack))
    if found:
        return found["Version"]
    former = _read(client, former_name(stack))
    value = former["Value"] if former else secrets.token_urlsafe(36)
    version = _put(client, stack, value, overwrite=False)
    print(f"Created {name(stack)}" + (f" from {former_name(stack)}, which can be deleted after this deployment." if former else "."))
    return version


def rotations(session, stack, revoke):
    """Writes the lists of a rotation, one after the other, and yields the version of each: the caller deploys it.

    Functions change one after the other, so first all of them accept the new secret, then it signs."""
    client = session.client("ssm")
    current, new = _read(client, name(stack))["Value"].split(","), secrets.token_urlsafe(36)
    lists = [[new]] if revoke else [[*current, new], [new, *current[:MAX_PREVIOUS]]]
    for it in lists:
        yield _put(client, stack, ",".join(it), overwrite=True)


def delete(session, stack):
    client = session.client("ssm")
    for it in (name(stack), former_name(stack)):
        try:
            client.delete_parameter(Name=it)
        except client.exceptions.ParameterNotFound:
            continue
        print(f"Deleted {it}.")


def _put(client, stack, value, overwrite):
    return client.put_parameter(
        Name=name(stack), Value=value, Type="SecureString", Overwrite=overwrite,
        Description="Signs and encrypts for this placet-serverless stack; previous secrets follow.")["Version"]


def _read(client, parameter):
    try:
        return client.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]
    except ClientError as err:
        if err.response["Error"]["Code"] == "ParameterNotFound":
            return None
        raise
