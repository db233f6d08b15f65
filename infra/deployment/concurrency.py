"""What the account's concurrency limit means for a stack.

A held request occupies one of the account's concurrent Lambda executions: a wait for one review or for several, a hook, a call
of an MCP client that waits, a page that waits for changes. Without a limit, agents that wait in a loop use all of them, and
nobody can load the inbox: a new account allows only 10.
"""

from dataclasses import dataclass

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html: what Lambda keeps unreserved
MIN_UNRESERVED = 100
MIN_RESERVED = 20  # fewer would serve neither agents nor MCP clients
# Throttles count per route: one review, several, hooks, changes; and apart from these /mcp, whose calls are mostly not held.
HOLDING_ROUTES = 4
# Where nothing can be reserved, requests are held for a moment only: executions are bounded by how many requests begin while
# one lasts, and a longer hold would leave no rate to MCP clients, which make several calls in a row.
HOLD_MS = 250
CALL_SECONDS = 0.5  # of such a request, with its reads. ASSUMED
# How many requests begin at once on each of these routes and on /mcp, and how many more while one lasts, for every so many
# executions. An MCP client begins with initialize, initialized, tools/list and tools/call.
BURST, MCP_BURST = 1, 4
MORE, MCP_MORE = 0.15, 0.4
EXECUTIONS = HOLDING_ROUTES * (BURST + MORE) + MCP_BURST + MCP_MORE
# What infra/template.yaml has for accounts that can reserve.
DEFAULTS = {
    "MaxWaitMs": "28500", "WaitThrottlingRate": "50", "WaitThrottlingBurst": "100", "McpThrottlingRate": "50",
    "McpThrottlingBurst": "100", "WebhooksConcurrency": "0"}
QUOTA = "https://console.aws.amazon.com/servicequotas/home/services/lambda/quotas/L-B99A9384"


@dataclass(frozen=True)
class AccountLimits:
    """Concurrent executions: of the account, and what no function has reserved."""
    total: int
    unreserved: int


@dataclass(frozen=True)
class Advice:
    """Parameters for the stack, and their explanation."""
    parameters: dict
    text: str


def read_limits(session):
    limit = session.client("lambda").get_account_settings()["AccountLimit"]
    return AccountLimits(limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"])


def advise(limits, deployed=None):
    """Bounds held requests, for a stack with the parameters `deployed`, if there is one.

    Reserves half of what no other function has reserved, three quarters of it for `Reviews` and one for `Mcp`. Where that is
    not possible, shortens and throttles held requests."""
    deployed = deployed or {}
    available = limits.unreserved + sum(int(deployed.get(it, 0)) for it in ("ReviewsConcurrency", "McpConcurrency"))
    share = min(available // 2, available - MIN_UNRESERVED)
    if share < MIN_RESERVED:
        return throttle(available)
    mcp = share // 4
    # A stack that was deployed before the account's quota was raised.
    is_throttled = deployed.get("MaxWaitMs") == str(HOLD_MS)
    return Advice(
        (DEFAULTS if is_throttled else {}) | {"ReviewsConcurrency": str(share - mcp), "McpConcurrency": str(mcp)},
        f"This account has {available} concurrent executions that no other function reserves. ReviewsConcurrency={share - mcp} and "
        f"McpConcurrency={mcp} reserve {share} of them for held requests, so that waiting agents cannot block other requests.")


def throttle(available):
    # One is left for everything else, and nearly all of them once the first requests have ended.
    scale = (available - 1) / EXECUTIONS
    parameters = {
        "ReviewsConcurrency": "0", "McpConcurrency": "0", "MaxWaitMs": str(HOLD_MS),
        "WaitThrottlingRate": rate(MORE * scale), "WaitThrottlingBurst": burst(BURST * scale),
        "McpThrottlingRate": rate(MCP_MORE * scale), "McpThrottlingBurst": burst(MCP_BURST * scale),
        "WebhooksConcurrency": str(max(2, available // 10))}
    return Advice(
        parameters,
        f"This account has only {available} concurrent executions, too few to reserve a part for waiting agents. "
        f"{' '.join(f'{key}={value}' for key, value in parameters.items())} keep waiting agents from using all of them: no request "
        "is held for longer than a quarter of a second, and further ones get 429 and are retried. Request a higher quota, then "
        f"deploy again: {QUOTA}")


def rate(begun):
    """Requests per second, of which so many begin while one lasts."""
    return f"{max(0.01, round(begun / CALL_SECONDS, 2)):g}"


def burst(begun):
    return str(max(1, int(begun + 1e-6)))
