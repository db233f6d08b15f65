"""Computes the monthly cost of a stack and writes the tables of docs/COST.md between their markers.

    python3 infra/cost.py            writes them (`make cost`)
    python3 infra/cost.py --check    fails if they differ from what this computes

Every input is below with its source. Uses only Python's standard library.
"""

import math
import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "COST.md"
TEMPLATE = ROOT / "infra" / "template.yaml"

# ------------------------------------------------------------------------------ prices
# Public list prices in US dollars, us-east-1, without taxes, savings plans or credits. Next to each
# page: the date of the newest publication with which the prices were compared.
#
# https://aws.amazon.com/lambda/pricing/                2024      x86; arm64 is 20 % less for time
# https://aws.amazon.com/api-gateway/pricing/           2026      HTTP APIs, in steps of 512 KB; WebSocket
#                                                                 APIs, messages in steps of 32 KB
# https://aws.amazon.com/dynamodb/pricing/on-demand/    2025-07   on-demand, since 2024-11-01
# https://aws.amazon.com/sqs/pricing/                   2026-03   standard queues
# https://aws.amazon.com/cloudwatch/pricing/            2026-02
# https://aws.amazon.com/ec2/pricing/on-demand/         2025-05   data out to the internet
# https://aws.amazon.com/ses/pricing/                   not compared: e-mails sent, without attachments
# https://aws.amazon.com/s3/pricing/                    not compared: standard storage
#
# Each price is a list of tiers: (upper limit, price per unit). The last tier has no limit.
MILLION, BILLION, INF = 1e6, 1e9, math.inf
PRICES = {
    "lambda requests": [(INF, 0.20 / MILLION)],
    "lambda GB-s": [(6 * BILLION, 0.0000166667), (15 * BILLION, 0.000015), (INF, 0.0000133334)],
    "gateway requests": [(300 * MILLION, 1.00 / MILLION), (INF, 0.90 / MILLION)],
    "socket messages": [(BILLION, 1.00 / MILLION), (INF, 0.80 / MILLION)],
    "connection minutes": [(INF, 0.25 / MILLION)],
    "read units": [(INF, 0.125 / MILLION)],
    "write units": [(INF, 0.625 / MILLION)],
    "table GB": [(INF, 0.25)],
    "backup GB": [(INF, 0.20)],  # point-in-time recovery
    "queue requests": [(INF, 0.40 / MILLION)],
    "e-mails": [(INF, 0.10 / 1000)],  # SES, without its free months
    "log GB": [(10 * 1024, 0.50 + 0.03), (INF, 0.25 + 0.03)],  # ingestion, and storage for a month
    "GB out": [(10 * 1024, 0.09), (50 * 1024, 0.085), (150 * 1024, 0.07), (INF, 0.05)],
    "alarms": [(INF, 0.10)],
    "metrics": [(10_000, 0.30)],
    "dashboards": [(INF, 3.00)],
}
# The permanent free tier of an account, per month. The gateway's free requests end after the first year
# and are left out.
FREE = {
    "lambda requests": 1 * MILLION, "lambda GB-s": 400_000, "table GB": 25, "queue requests": 1 * MILLION,
    "log GB": 5, "GB out": 100, "alarms": 10, "metrics": 10, "dashboards": 3,
}
FREE_DASHBOARD_METRICS = 50  # a dashboard with more metrics is never free
# The prices that each column of the table adds up.
COLUMNS = {
    "Lambda": ["lambda requests", "lambda GB-s"], "gateway": ["gateway requests", "GB out"],
    "table": ["read units", "write units", "table GB", "backup GB"], "queue": ["queue requests"],
    "logs": ["log GB"],
}

# ------------------------------------------------------------------------------ units
# Capacity units as logged for each request (`capacity_units`) by the local runner on 2026-11-24, for an
# approval of 150 characters. A test asserts the number of calls of each route.

GB = 512 / 1024             # infra/template.yaml: MemorySize
WAIT_GB = 128 / 1024        # infra/template.yaml: ReviewsMemorySize
WAIT = 28.5                 # seconds of one wait at most; infra/template.yaml: MaxWaitMs
# Seconds between two requests of a page that nobody looks at; web/scripts/live-updates.js
UNATTENDED_PAUSE, HIDDEN_PAUSE = 10, 30
CALL_MS = 30                # any other call, including its share of cold starts. ASSUMED, not measured on
                            # AWS: two round trips to DynamoDB of up to 10 ms each, and 10 ms of processing
EVENT_MS = 10               # one run of `events` or `expiry`. ASSUMED
SEND_MS = 300               # one webhook: mostly the receiver's response time. ASSUMED

SEND = {"read units": 3, "write units": 3}      # POST of the message; measured together: 6
LIST = {"read units": 5}                        # the inbox's first page: measured
OPEN = {"read units": 4, "write units": 2}      # the review's page, which sets its seen mark: 6
ANSWER = {"read units": 4, "write units": 5}    # 9: the item, its entries in `owner` and `due` moved

# Reads of one wait at most, as a test asserts: authentication with the message (of up to 4 KB), then looks.
LOOKS, LOOKS_NEAR = 150, 300                    # the latter while somebody is about to answer
FIRST_READ, LOOK = 4, 0.5                       # a look costs the same for messages of any size
# A page's sign that somebody is about to answer: at most one in two seconds. The item, and its entry in `due`.
SIGN, SIGNS = {"read units": 4, "write units": 3}, 3
# A patient client: held for a minute after asking and while the review is open, else answered at once and asleep.
# shared/src/http/waits/mod.rs: HOLD_AFTER_ASKING, POLL_AFTER
HELD_AFTER_ASKING, POLL_AFTER = 60, 15
READING = 20                                    # seconds between opening a review and answering it. ASSUMED
POLLS, POLL, LAST_POLL = 110, 0.5, 1            # `GET /api/changes`: reads at most; each; the consistent last one
FIRST_POLL = 3                                  # session and version, as a test asserts

# In the background of each call of an agent: its entry in the request log (1.4 KB) and the counters, in a
# transaction.
BACKGROUND = {"write units": 2 + 2}
# Runs of `events`, at most one per change that the filter of infra/template.yaml passes: the message, its seen
# mark and its answer. Log entries, counters and deliveries are dropped.
EVENTS_OF_APPROVAL = 3
EVENT = {"read units": 1, "write units": 1}     # the agent's webhook; the inbox version of its person

# A webhook instead of waits. Counted in the code, not measured: the delivery is stored (2 KB), claimed and
# finished, the attempt is logged, and the message gets its state.
HOOK = {"read units": 4, "write units": 2 + 2 + 2 + 2 + 2}
EVENTS_OF_HOOK, QUEUE_OF_HOOK = 1, 3            # the message's state; queue: sent, received, deleted

# A push message to one device, and the one that replaces it when the request ends. Counted in the code: `events` reads the
# person, the devices and later the notifications, stores and renews one; `notify` claims and finishes it twice, each time
# after a read of four items, and records the device's use. Queue: sent, received, deleted, twice. A message has 1.5 KB.
PUSH = {"read units": 1 + 1 + 4 + 1 + 4, "write units": 1 + 2 + 1 + 1 + 2, "queue requests": 6, "GB out": 2 * 1.5e-6}
PUSH_RUNS = 2
# A call of a person's webhook. `events` reads person, agent and devices, and later the notification, which it stores and ends;
# `notify` claims and finishes it once, after a read of four items. Queue: sent, received, deleted.
PERSONAL_HOOK = {"read units": 1 + 1 + 1 + 1 + 4, "write units": 1 + 1 + 1 + 1, "queue requests": 3, "GB out": 1.5e-6}
# An e-mail, of 6 KB. The same calls; a digest has fewer.
EMAIL = {**PERSONAL_HOOK, "e-mails": 1, "GB out": 6e-6}
PERSONAL_RUNS = 1

# Sockets; a test asserts the units. A connection: `$connect`, the first frame, the sign-in, a channel, the end. Messages: the
# client's CONNECT and subscription, the first frame and the answer to CONNECT.
CONNECT = {"read units": 5 + 4 + 2, "write units": 2 + 1 + 6 + 1 + 4, "socket messages": 4}
CONNECT_RUNS = 5
PING = {"read units": 3, "write units": 3, "socket messages": 2}  # and its answer, a run
PING_AFTER = 200 + 30       # seconds, until the next run of `expiry`; shared/src/storage/sockets.rs
SOCKET_EVENT = {"read units": 2, "write units": 1}      # one that somebody watches; and one that nobody does:
UNWATCHED_EVENT = {"read units": 2}

MESSAGE_GB = 2.6e-6         # a message and its copy in the index `owner`, 1.2 KB each, and overhead
LOG_ENTRY_GB = 1.5e-6 / 4   # kept for 7 days, a quarter of a month
LINE_GB = 0.8e-6            # logs of one run: the request's line, START, END and REPORT
ACCESS_LINE_GB = 0.4e-6     # the gateway's access log
OUT_GB = 2e-6               # a response or a page
MONTH = 730 * 3600          # seconds

# ------------------------------------------------------------------------------ model


def runs(quantities, count, seconds, gb=GB):
    """Runs of one function."""
    quantities["lambda requests"] += count
    quantities["lambda GB-s"] += count * seconds * gb
    quantities["log GB"] += count * LINE_GB
    return quantities


def calls(quantities, count, seconds, units, gb=GB):
    """Runs of one function behind the gateway."""
    runs(quantities, count, seconds, gb)
    quantities["gateway requests"] += count
    quantities["log GB"] += count * ACCESS_LINE_GB
    quantities["GB out"] += count * OUT_GB
    add(quantities, units, count)
    return quantities


def add(quantities, units, count):
    for name, number in units.items():
        quantities[name] += number * count


def waits(quantities, count, seconds):
    """Calls that hold, one after the other, for so many seconds each time."""
    number = math.ceil(seconds / WAIT) * count
    if number:
        calls(quantities, number, seconds * count / number, {}, WAIT_GB)  # reviews
        quantities["read units"] += number * (FIRST_READ + LOOKS * LOOK)


def patient_calls(quantities, seconds):
    """Calls that do not hold, for so many seconds."""
    calls(quantities, seconds / POLL_AFTER, CALL_MS / 1000, {"read units": FIRST_READ + LOOK}, WAIT_GB)


def approvals(count, waited=0, webhook=False, patient=False):
    """A month of `count` approvals: created, listed in the inbox, opened and answered. The agent learns the
    answer through waits, which last `waited` seconds, or through a webhook."""
    total = Counter()
    calls(total, count, CALL_MS / 1000, SEND)  # messages
    calls(total, 2 * count, CALL_MS / 1000, {})  # web: the inbox, and the review
    calls(total, count, CALL_MS / 1000, ANSWER)  # inbox
    add(total, LIST, count)
    add(total, OPEN, count)
    calls(total, SIGNS * count, CALL_MS / 1000, SIGN)  # inbox: signs of the review's page
    events = EVENTS_OF_APPROVAL * count
    if waited:
        held = min(waited, HELD_AFTER_ASKING + READING) if patient else waited
        waits(total, count, held)
        patient_calls(total, count * (waited - held))
        # Somebody is about to answer during the last wait, the only one that is logged and counted.
        total["read units"] += count * (LOOKS_NEAR - LOOKS) * LOOK
        add(total, BACKGROUND, count)
    if webhook:
        events += EVENTS_OF_HOOK * count
        total["queue requests"] += QUEUE_OF_HOOK * count
        runs(total, count, SEND_MS / 1000)  # webhooks
        add(total, HOOK, count)
    runs(total, events, EVENT_MS / 1000)  # events
    add(total, EVENT, events)
    add(total, BACKGROUND, count)
    logged = count + (count if waited else 0) + (count if webhook else 0)
    stored = count * MESSAGE_GB + logged * LOG_ENTRY_GB
    total["table GB"] += stored
    total["backup GB"] += stored
    return total


def idle():
    """What an idle stack uses, by name."""
    template = TEMPLATE.read_text()
    sweeps, shards = MONTH / 60, 4
    sweeping = runs(Counter(), sweeps, EVENT_MS / 1000)
    # What is due, and each fifth minute the oldest pending review.
    sweeping["read units"] += (sweeps + sweeps / 5) * shards * 0.5
    custom = len(set(re.findall(r"MetricName: (\w+), MetricValue", template)))
    metrics = len(re.findall(r'\["(?:AWS/|\$\{AWS::StackName\}")', template))
    return {
        f"{alarms(template)} alarms": {"alarms": alarms(template)},
        f"{custom} metrics from log lines": {"metrics": custom},
        f"the dashboard, of {metrics} metrics": {"dashboards": 1},
        "the expiry function, every minute": sweeping,
        # Lambda polls with five concurrent long polls of 20 s: an ESTIMATE, not documented as a guarantee.
        "Lambda's polling of the empty queue": {"queue requests": 5 * MONTH / 20},
    }


def attended_tab(seconds):
    """An inbox tab that somebody is in front of, which holds one request after the other."""
    return calls(Counter(), seconds / WAIT, WAIT, {"read units": FIRST_POLL + (POLLS - 1) * POLL + LAST_POLL}, WAIT_GB)


def unattended_tab(pause):
    """An inbox tab that nobody looks at, for a month. It asks briefly, after pauses."""
    return calls(Counter(), MONTH / pause, CALL_MS / 1000, {"read units": FIRST_POLL}, WAIT_GB)


def alarms(template):
    alarm = "Type: AWS::CloudWatch::Alarm"
    return template.count(alarm) - template.count(f"{alarm}\n    Condition: SendsNotifications")


def notifications(count, devices):
    """Requests of which a person is notified on so many devices, and of what became of them."""
    total = Counter()
    add(total, PUSH, count * devices)
    runs(total, count * devices * PUSH_RUNS, SEND_MS / 1000)  # notify
    return total


def notices(count, each):
    """Requests of which a person is notified by e-mail or by their webhook."""
    total = Counter()
    add(total, each, count)
    runs(total, count * PERSONAL_RUNS, SEND_MS / 1000)  # notify
    return total


def notifying():
    """What a stack uses that sends notifications, besides them, by name."""
    return {
        "Lambda's polling of one more empty queue": {"queue requests": 5 * MONTH / 20},
        "one more alarm": {"alarms": 1},
    }


def connections(count, seconds):
    """So many connections, open for so many seconds each."""
    total = Counter({"connection minutes": count * seconds / 60})
    pings = count * seconds / PING_AFTER
    add(total, PING, pings)
    return runs(total, pings, EVENT_MS / 1000)  # sockets: the answers


def opened(count):
    """So many connections that sign in and watch one channel."""
    total = Counter()
    add(total, CONNECT, count)
    return runs(total, count * CONNECT_RUNS, EVENT_MS / 1000)


def socket_events(count, watching):
    """So many changes of messages, each of which so many connections get."""
    total = Counter({"socket messages": count * watching})
    add(total, SOCKET_EVENT if watching else UNWATCHED_EVENT, count)
    return runs(total, count, EVENT_MS / 1000)


def bill(quantities, free=()):
    """Dollars by name."""
    return {name: priced(name, max(0, number - (FREE.get(name, 0) if name in free else 0)))
            for name, number in quantities.items()}


def priced(name, number):
    dollars, below = 0, 0
    for upto, price in PRICES[name]:
        dollars += max(0, min(number, upto) - below) * price
        below = upto
    return dollars


# ------------------------------------------------------------------------------ tables

COUNTS = [1_000, 100_000, 10_000_000]
WAYS = [*[(f"{kind}, {name}", {"waited": seconds, **how})
          for kind, how in [("waits", {}), ("patient waits", {"patient": True})]
          for name, seconds in [("60 s", 60), ("10 min", 600), ("8 h", 8 * 3600)]],
        ("a webhook", {"webhook": True})]
HOUR = 3600


def table_of_held():
    """What an hour costs in which so many agents wait all the time, and how many runs that is at once."""
    rows = []
    for agents in (1_000, 10_000):
        held, patient = Counter(), Counter()
        waits(held, agents, HOUR)
        patient_calls(patient, agents * HOUR)
        for name, used, runs_at_once in (("held waits", held, agents),
                                         ("patient agents", patient, agents / POLL_AFTER * CALL_MS / 1000)):
            rows.append([f"{agents:,} {name}", money(sum(bill(used).values())), f"{runs_at_once:,.1f}",
                         f"{used['read units'] / HOUR:,.0f}"])
    return markdown(["all hour", "list price", "concurrent runs", "read units per second"], rows)


def concurrent(count, waited, patient=False):
    """The mean number of runs that wait at once."""
    held = min(waited, HELD_AFTER_ASKING + READING) if patient else waited
    return count * (held + (waited - held) / POLL_AFTER * CALL_MS / 1000) / MONTH


def table_of_approvals():
    head = ["approvals", "answer through", "list price", "after the free tier", *COLUMNS, "concurrent waits"]
    rows = []
    for count in COUNTS:
        for way, how in WAYS:
            quantities = approvals(count, **how)
            dollars = bill(quantities)
            parts = [money(sum(dollars.get(it, 0) for it in names)) for names in COLUMNS.values()]
            waiting = f"{concurrent(count, **how):,.1f}" if "waited" in how else ""
            rows.append([f"{count:,}", way, money(sum(dollars.values())), money(sum(bill(quantities, FREE).values())),
                         *parts, waiting])
    return markdown(head, rows)


def table_of_one():
    head = ["answer through", "one approval", "of which waits or webhook"]
    # Computed for a million, so that tiers and sampling have little effect.
    bare = sum(bill(approvals(MILLION)).values()) / MILLION
    rows = []
    for way, how in WAYS:
        one = sum(bill(approvals(MILLION, **how)).values()) / MILLION
        rows.append([way, f"${one:,.6f}", f"${one - bare:,.6f}"])
    return markdown(head, rows)


def table_of_idle():
    head = ["idle stack, per month", "list price", "after the free tier"]
    rows, listed, left = [], 0, 0
    for name, quantities in idle().items():
        many = "dashboard" in name and int(re.search(r"\d+", name)[0]) > FREE_DASHBOARD_METRICS
        full, rest = sum(bill(quantities).values()), sum(bill(quantities, () if many else FREE).values())
        rows.append([name, money(full), money(rest)])
        listed, left = listed + full, left + rest
    rows.append(["total", money(listed), money(left)])
    for name, tab in [("each open inbox, per 10 hours with somebody in front of it", attended_tab(36_000)),
                      ("each open inbox that nobody looks at, all month", unattended_tab(UNATTENDED_PAUSE)),
                      ("the same in a hidden tab", unattended_tab(HIDDEN_PAUSE))]:
        rows.append([name, *[money(sum(bill(tab).values()))] * 2])
    rows.append(["each GB in the table, with its point-in-time recovery", "$0.45", "$0.20 to 25 GB, then $0.45"])
    rows.append(["each GB in the bucket", "$0.023", "$0.023"])
    return markdown(head, rows)


def table_of_notifications():
    head = ["notifications", "list price"]
    rows = [[f"1,000 requests, push messages to {devices} and their outcomes", money(sum(bill(notifications(1000, number)).values()))]
            for number, devices in [(1, "one device"), (3, "three devices")]]
    rows.append(["1,000 requests, e-mails", money(sum(bill(notices(1000, EMAIL)).values()))])
    rows.append(["1,000 requests, calls of a person's webhook", money(sum(bill(notices(1000, PERSONAL_HOOK)).values()))])
    rows += [[f"{name}, per month", money(sum(bill(quantities).values()))] for name, quantities in notifying().items()]
    rows.append(["requests of people without any surface", "$0"])
    rows.append(["a deployment with `Notifications=false`, which is the default", "$0"])
    return markdown(head, rows)


def table_of_sockets():
    head = ["sockets", "list price"]
    one = MILLION  # computed for a million
    price = lambda quantities: f"${sum(bill(quantities).values()) / one:.7f}"
    return markdown(head, [
        ["a connection, per hour", price(connections(one, HOUR))],
        ["a connection that is always open, per month", f"${sum(bill(connections(1, MONTH)).values()):,.2f}"],
        ["opening a connection, signing in, watching a channel and closing it", price(opened(one))],
        ["an event that one connection gets", price(socket_events(one, 1))],
        ["each further connection that gets it, per 32 KB", f"${PRICES['socket messages'][0][1]:.7f}"],
        ["an event that nobody watches", price(socket_events(one, 0))],
        ["a deployment with `EnableSockets=false`, which is the default", "$0"],
    ])


def money(dollars):
    if dollars == 0:
        return "$0"
    if dollars < 0.01:
        return "< $0.01"
    return f"${dollars:,.2f}" if dollars < 1000 else f"${dollars:,.0f}"


def markdown(head, rows):
    # Names are left-aligned, figures right-aligned.
    sides = ["---:" if re.fullmatch(r"[$<\d][^a-z]*|", cell) else "---" for cell in rows[0]]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, sides, *rows])


def with_tables(document, tables):
    text = document.read_text()
    for name, table in tables:
        begin, end = f"<!-- {name}: written by `make cost` -->", f"<!-- end of {name} -->"
        if begin not in text or end not in text:
            sys.exit(f"{document.relative_to(ROOT)} has no markers {begin} and {end}.")
        before, rest = text.split(begin, 1)
        text = before + begin + "\n" + table() + "\n" + end + rest.split(end, 1)[1]
    return text


def write_tables(document, tables, check):
    written = with_tables(document, tables)
    if not check:
        document.write_text(written)
    elif written != document.read_text():
        sys.exit(f"{document.relative_to(ROOT)} is out of date: run `make cost`.")


TABLES = [("approvals", table_of_approvals), ("one", table_of_one), ("held", table_of_held), ("idle", table_of_idle),
          ("notifications", table_of_notifications), ("sockets", table_of_sockets)]

if __name__ == "__main__":
    write_tables(DOCUMENT, TABLES, "--check" in sys.argv[1:])
