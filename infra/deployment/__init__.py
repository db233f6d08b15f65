"""The parts of infra/stack.py.

    concurrency         what the account's concurrency limit means for a stack
    config              the parameters of each stack, in stacks.toml
    dead_letters        processes records of the table's stream again
    deployment_secrets  creates and rotates the stack's secrets
    mail                whether a stack's e-mails can be sent as its parameters say
    restored_table      restores a table to a point in time
    retained_data       deletes what a deleted stack leaves: table and bucket
"""


class DeployError(Exception):
    """Why a command stops, in one sentence."""
