"""Which limit is met first as a deployment grows: writes the tables of docs/SCALING.md between their markers.

    python3 infra/scaling.py            writes them (`make cost`, with those of docs/COST.md)
    python3 infra/scaling.py --check    fails when they are not what this computes

What an approval uses comes from infra/cost.py and docs/performance.json; AWS's limits are below, with where they
are from. Needs nothing but Python.
"""

import heapq
import json
import random
import sys

from cost import ANSWER, ASIDE, CALL_MS, GB, LIST, MONTH, OPEN, POLL, ROOT, SEND, WAIT, markdown, priced, write_tables

DOCUMENT = ROOT / "docs" / "SCALING.md"

# ------------------------------------------------------------------------------ AWS's limits
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
CONCURRENCY = 1_000             # functions running at once; can be raised
CONCURRENCY_GROWTH = 1_000      # more of one function, every 10 s; fixed
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
GATEWAY = 10_000                # requests a second for an account's region; can be raised
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
TABLE_READS, TABLE_WRITES = 40_000, 40_000      # units a second of an on-demand table; can be raised
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
NEW_READS, NEW_WRITES = 12_000, 4_000           # what a new one takes from the first second on
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
PART_READS, PART_WRITES = 3_000, 1_000          # one partition; fixed
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-rust.html
PER_VCPU = 8                    # calls at once by default; a function's own setting
# The same guide, on pricing: the instance's own price and this share of it. 2026-06.
FEE = 0.15
# https://aws.amazon.com/ec2/pricing/on-demand/ us-east-1, 2026-06: c7g.xlarge, 4 vCPU and 8 GB
INSTANCE, VCPUS = 0.145, 4
LEAST_INSTANCES = 3             # Lambda keeps one in each of three zones

# ------------------------------------------------------------------------------ what we use
KEY_WRITES = {                  # write units of one approval, by the key that they fall on
    # The message, its note of having been seen, its answer in a transaction; twice the agent's counters, each in a
    # transaction: shared/src/storage/{messages,visit,reviews,stats}.rs
    "channel": 1 + 1 + 2 + 2 * 2,
    # The message's copy in the index `owner`: put, changed, moved from pending to completed.
    "owner": 1 + 1 + 2,
    # What the agent called, as its person reads it: the message and one wait, 1.4 KB each.
    "log": 2 * 2,
    # Of a review that ends at a time: its entry in the index `due`, put and taken out, over four keys.
    "due": 2,
}
THROTTLING = 500                # infra/template.yaml: ThrottlingRate
DUE_SHARDS = 4                  # shared/src/storage/keys.rs
APPROVAL_WRITES = sum(use.get("write units", 0) for use in (SEND, OPEN, ANSWER)) + 2 * ASIDE["write units"]
APPROVAL_READS = sum(use["read units"] for use in (SEND, LIST, OPEN, ANSWER)) + 5
APPROVAL_CALLS = 5              # asked, one wait, the inbox, the review, the answer
UNOPENED, OPENED = 1 / 0.335, 1 / 0.105         # looks a second: shared/src/waiting.rs, with their jitter
EVENT = 0.010                   # `events` over one decided review without a webhook: one read. ASSUMED
HOOKED = 0.030                  # with one: read, kept, queued. ASSUMED


def reads_of(looks):
    return looks * POLL + 4.5 / WAIT


LIMITS = [
    # what grows, the limit, at how much it is met, what then
    ("agents that wait at once", "Lambda's concurrency", CONCURRENCY, "waits",
     "raise it; webhooks; waits on Managed Instances (below)"),
    ("agents that wait, more of them each second", "growth of one function's concurrency, once 1,000 were there",
     CONCURRENCY_GROWTH / 10, "more held waits a second", "turned away: clients ask again, and a wait that ended left its place"),
    ("agents that wait, nobody has opened", "a new table's reads", NEW_READS / reads_of(UNOPENED), "waits",
     "DynamoDB grows by itself, to twice the last peak within half an hour; or warm throughput"),
    ("the same", "the table's quota", TABLE_READS / reads_of(UNOPENED), "waits", "raise it"),
    ("agents that wait for one review, unopened", "one partition's reads", PART_READS / reads_of(UNOPENED), "waits",
     "fewer waiters for the same answer; a webhook"),
    ("the same, opened", "one partition's reads", PART_READS / reads_of(OPENED), "waits", "the same"),
    ("approvals of one agent", "one partition's writes", PART_WRITES / KEY_WRITES["channel"], "a second",
     "several agents; counters that are written less often"),
    ("approvals of one person's agents", "one key of the index `owner`", PART_WRITES / KEY_WRITES["owner"], "a second",
     "nobody answers so fast: no change is planned"),
    ("calls of one person's agents", "one key of the call log", PART_WRITES / (KEY_WRITES["log"] / 2), "a second",
     "log entries are best effort: what is throttled is lost, the call is not; spread the key"),
    ("reviews that end at a time", "the index `due`", DUE_SHARDS * PART_WRITES / KEY_WRITES["due"], "a second",
     "`DUE_SHARDS`: old entries stay where they are, the sweep reads all"),
    ("approvals", "the stack's own `ThrottlingRate`", THROTTLING / APPROVAL_CALLS, "a second", "a parameter of the stack"),
    ("approvals", "a new table's writes", NEW_WRITES / APPROVAL_WRITES, "a second", "as with reads"),
    ("approvals", "the table's quota", TABLE_WRITES / APPROVAL_WRITES, "a second", "raise it"),
    ("approvals", "the gateway's quota", GATEWAY / APPROVAL_CALLS, "a second", "raise it"),
    ("decisions in one shard of the stream", "`events`, one batch at a time", 1 / EVENT, "a second",
     "more partitions mean more shards; `ParallelizationFactor`, up to 10"),
    ("the same, each with a webhook", "`events`, one batch at a time", 1 / HOOKED, "a second", "the same"),
]


def table_of_limits():
    ranked = [[what, limit, f"{at:,.0f} {unit}", then] for what, limit, at, unit, then in LIMITS]
    return markdown(["as this grows", "this is met", "at", "then"], ranked)


# ------------------------------------------------------------------------------ the busiest hour
# How many waits are held at once follows from no formula that anybody would trust: people answer some requests within
# seconds and leave others for the night. So an hour is played, several times.

HOUR, SEEDS = 3600, 5
MEDIAN, SPREAD = 120, 1.5       # seconds until an answer: log-normal, one in twenty takes over 23 minutes
READS_IT = 20                   # seconds from a review's being opened to its answer
GIVES_UP = 3600                 # an agent waits no longer


def busiest(approvals_an_hour, seed):
    """Waits held at once, at most, and the table's reads a second then; after an hour of running in."""
    chance = random.Random(seed)
    rate = approvals_an_hour / HOUR
    now, held, most, reads_then = 0.0, 0, 0, 0.0
    ends = []  # of waits, and of the part of them that nobody has opened
    opened = 0
    while now < 2 * HOUR:
        now += chance.expovariate(rate)
        while ends and ends[0][0] <= now:
            _, is_end = heapq.heappop(ends)
            held, opened = (held - 1, opened - 1) if is_end else (held, opened + 1)
        answered = min(GIVES_UP, chance.lognormvariate(0, SPREAD) * MEDIAN)
        held += 1
        heapq.heappush(ends, (now + answered, True))
        heapq.heappush(ends, (now + max(0.0, answered - READS_IT), False))
        if now >= HOUR and held > most:
            most = held
            reads_then = opened * reads_of(OPENED) + (held - opened) * reads_of(UNOPENED) + rate * APPROVAL_READS
    return most, reads_then


def table_of_hours():
    rows = []
    for count in (100, 1_000, 10_000, 100_000):
        played = [busiest(count, seed) for seed in range(SEEDS)]
        most = max(held for held, _ in played)
        reads = max(reads for _, reads in played)
        others = count / HOUR * (APPROVAL_CALLS - 1) * CALL_MS / 1000
        met = [name for name, is_met in (
            ("Lambda's concurrency", most + others > CONCURRENCY), ("a new table's reads", reads > NEW_READS),
            ("the table's quota", reads > TABLE_READS)) if is_met]
        calls = most / WAIT + count / HOUR * (APPROVAL_CALLS - 1)
        rows.append([f"{count:,}", f"{most:,}", f"{calls:,.0f}", f"{reads:,.0f}", "; ".join(met) or "nothing"])
    return markdown(["approvals an hour", "waits held at once", "calls a second", "read units a second", "meets"], rows)


# ------------------------------------------------------------------------------ waits on instances


def table_of_instances():
    """A month of so many waits, held day and night."""
    by_the_hour = INSTANCE * (1 + FEE) * MONTH / 3600
    rows = []
    for held in (10, 17, 50, 100, 1_000, 10_000):
        cells = [f"{held:,}", f"${priced('lambda GB-s', held * GB * MONTH):,.0f}"]
        for per_vcpu in (PER_VCPU, waiters_of_a_vcpu()):
            instances = max(LEAST_INSTANCES, -(-held // (per_vcpu * VCPUS)))
            cells.append(f"${instances * by_the_hour:,.0f}, {instances:,} instances")
        rows.append(cells)
    return markdown(["waits held, day and night", "on demand, 512 MB each", f"Managed Instances, {PER_VCPU} for each vCPU",
                     f"{waiters_of_a_vcpu()} for each vCPU"], rows)


def waiters_of_a_vcpu():
    """How many a processor holds half idle, as `make bench` measured it: engine and client are in that figure, too."""
    held = next(it for it in json.loads((ROOT / "docs" / "performance.json").read_text())["held"] if not it["seen"])
    whole = WAIT * 1000 / held["cpu_ms"]
    return int(whole / 2 // 8 * 8)


TABLES = [("limits", table_of_limits), ("hours", table_of_hours), ("instances", table_of_instances)]

if __name__ == "__main__":
    write_tables(DOCUMENT, TABLES, "--check" in sys.argv[1:])
