"""Computes which limit a growing deployment reaches first and writes the tables of docs/SCALING.md.

    python3 infra/scaling.py            writes them (`make cost`, with those of docs/COST.md)
    python3 infra/scaling.py --check    fails if they differ from what this computes

What an approval uses comes from infra/cost.py; AWS's limits are below with their sources.
Uses only Python's standard library.
"""

import re
import sys

from cost import ANSWER, BACKGROUND, CALL_MS, LIST, LOOK, LOOKS, LOOKS_NEAR, OPEN, POLL_AFTER, READING, ROOT, SEND, SIGN, \
    SIGNS, TEMPLATE, WAIT, markdown, write_tables

DOCUMENT = ROOT / "docs" / "SCALING.md"

# ------------------------------------------------------------------------------ AWS's limits
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
CONCURRENCY = 1_000             # concurrent executions; adjustable
MIN_UNRESERVED = 100            # of these remain unreserved
CONCURRENCY_GROWTH = 1_000      # per function and 10 s; fixed
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
GATEWAY = 10_000                # requests per second in an account and region; adjustable
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
TABLE_READS, TABLE_WRITES = 40_000, 40_000      # units per second of an on-demand table; adjustable
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
NEW_READS, NEW_WRITES = 12_000, 4_000           # units per second of a new table
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
PART_READS, PART_WRITES = 3_000, 1_000          # units per second of one partition; fixed

# ------------------------------------------------------------------------------ what an approval uses
KEY_WRITES = {                  # write units of one approval, by partition key
    # The message, its seen mark, its answer, signs; twice the agent's counters, each in a transaction.
    "channel": 1 + 1 + 1 + SIGNS + 2 * 2,
    # The message's copy in the index `owner`: put, changed, moved from pending to completed.
    "owner": 1 + 1 + 2,
    # The request log of the message and of one wait, 1.4 KB each.
    "log": 2 * 2,
    # A review with an expiry: its entry in the index `due`, added and removed, over four keys, and those of signs.
    "due": 2 + 2 * SIGNS,
}
DUE_SHARDS = 4                  # shared/src/storage/keys/due.rs
APPROVAL_WRITES = sum(use.get("write units", 0) for use in (SEND, OPEN, ANSWER)) + SIGNS * SIGN["write units"] + 2 * BACKGROUND["write units"]
APPROVAL_READS = sum(use["read units"] for use in (SEND, LIST, OPEN, ANSWER)) + SIGNS * SIGN["read units"] + 5
APPROVAL_CALLS = 5 + SIGNS      # message, one wait, inbox page, review page, answer; signs of the page
QUIET, NEAR = LOOKS / WAIT, LOOKS_NEAR / WAIT   # looks per second of one wait at most
EVENT = 0.010                   # seconds of `events` for one decided review without a webhook. ASSUMED
HOOKED = 0.030                  # with a webhook. ASSUMED


def default(parameter):
    """The default of a parameter of infra/template.yaml."""
    return float(re.search(rf"^  {parameter}:\n    Type: Number\n    Default: (\S+)$", TEMPLATE.read_text(), re.M)[1])


def reads_of(looks):
    """Read units per second of one wait."""
    return looks * LOOK + 4 / WAIT


LIMITS = [
    # what grows, the limit, the value at which it is reached, its unit, the remedy
    ("agents that wait concurrently", "Lambda's concurrency that can be reserved", CONCURRENCY - MIN_UNRESERVED, "waits",
     "patient clients; raise it; webhooks"),
    ("patient agents that wait for unopened reviews", "the stack's `WaitThrottlingRate`", default("WaitThrottlingRate") * POLL_AFTER,
     "agents", "raise the parameter"),
    ("patient agents that wait for unopened reviews", "Lambda's concurrency that can be reserved", (CONCURRENCY - MIN_UNRESERVED) * POLL_AFTER / (CALL_MS / 1000),
     "agents", "raise it; webhooks"),
    ("patient agents that wait for unopened reviews", "the gateway's quota", GATEWAY * POLL_AFTER, "agents", "raise it"),
    ("new waits per second", "concurrency growth of one function, above 1,000", CONCURRENCY_GROWTH / 10, "new waits per second",
     "rejected requests are retried by clients"),
    ("held waits for reviews of any size", "a new table's reads", NEW_READS / reads_of(QUIET), "waits",
     "DynamoDB adapts to twice the last peak within 30 minutes; or configure warm throughput"),
    ("held waits for reviews of any size", "the four keys of the index `due`", DUE_SHARDS * PART_READS / (QUIET * LOOK), "waits",
     "patient clients; DynamoDB splits a hot key by time; raise `DUE_SHARDS`"),
    ("waits for one review", "one key of the index `due`", PART_READS / (QUIET * LOOK), "waits",
     "fewer waiters for one answer; a webhook"),
    ("waits for one review that is about to be answered", "one key of the index `due`", PART_READS / (NEAR * LOOK), "waits", "the same"),
    ("approvals of one agent", "one partition's writes", PART_WRITES / KEY_WRITES["channel"], "per second",
     "several agents; counters that are written less often"),
    ("approvals of one person's agents", "one key of the index `owner`", PART_WRITES / KEY_WRITES["owner"], "per second",
     "none planned: a person answers far more slowly"),
    ("requests of one person's agents", "one key of the request log", PART_WRITES / (KEY_WRITES["log"] / 2), "per second",
     "throttled log entries are lost, the requests are not; distribute the key"),
    ("reviews with an expiry", "the index `due`", DUE_SHARDS * PART_WRITES / KEY_WRITES["due"], "per second",
     "raise `DUE_SHARDS`: existing entries keep their shard, and the sweep reads all shards"),
    ("approvals", "the stack's `ThrottlingRate`", default("ThrottlingRate") / APPROVAL_CALLS, "per second", "raise the parameter"),
    ("approvals", "a new table's writes", NEW_WRITES / APPROVAL_WRITES, "per second", "as for reads"),
    ("approvals", "the table's quota", TABLE_WRITES / APPROVAL_WRITES, "per second", "raise it"),
    ("approvals", "the gateway's quota", GATEWAY / APPROVAL_CALLS, "per second", "raise it"),
    ("decisions in one stream shard", "`events`, one batch at a time", 1 / EVENT, "per second",
     "more partitions create more shards; `ParallelizationFactor`, up to 10"),
    ("decisions with a webhook in one shard", "`events`, one batch at a time", 1 / HOOKED, "per second", "the same"),
]


def table_of_limits():
    ranked = [[what, limit, f"{at:,.0f} {unit}", then] for what, limit, at, unit, then in LIMITS]
    return markdown(["what grows", "limit", "reached at", "remedy"], ranked)


# ------------------------------------------------------------------------------ busy hours

HOUR = 3600
ANSWER_TIME = 300               # mean seconds until an answer, while an agent waits at most an hour. ASSUMED


def table_of_hours():
    """Mean values by Little's law: arrival rate times the time that each approval waits."""
    rows = []
    for count in (100, 1_000, 10_000, 100_000):
        rate = count / HOUR
        held, opened = rate * ANSWER_TIME, rate * READING
        reads = opened * reads_of(NEAR) + (held - opened) * reads_of(QUIET) + rate * APPROVAL_READS
        others = rate * (APPROVAL_CALLS - 1)
        reached = [name for name, is_reached in (
            ("Lambda's concurrency", held + others * CALL_MS / 1000 > CONCURRENCY), ("a new table's reads", reads > NEW_READS),
            ("the table's quota", reads > TABLE_READS)) if is_reached]
        rows.append([f"{count:,}", f"{held:,.0f}", f"{held / WAIT + others:,.0f}", f"{reads:,.0f}",
                     "; ".join(reached) or "none"])
    return markdown(["approvals per hour", "waits held", "requests per second", "read units per second", "limit reached"], rows)


TABLES = [("limits", table_of_limits), ("hours", table_of_hours)]

if __name__ == "__main__":
    write_tables(DOCUMENT, TABLES, "--check" in sys.argv[1:])
