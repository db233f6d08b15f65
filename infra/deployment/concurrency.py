"""What the account's concurrency limit means for a stack.

Each held wait occupies one of the account's concurrent Lambda executions. Without a limit on waits, agents that wait in a
loop use all of them, and nobody can load the inbox: a new account allows only 10.
"""

from dataclasses import dataclass

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html: what Lambda keeps unreserved
MIN_UNRESERVED = 100
WAIT_SECONDS = 28.5  # infra/template.yaml: MaxWaitMs
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


def advise(limits, reserved_by_stack=0):
    """Gives waits half of the account: by a reservation where one is possible, else by a throttle on their route."""
    reservable = limits.unreserved + reserved_by_stack - MIN_UNRESERVED
    share = limits.total // 2
    if reservable >= share:
        return Advice(
            {"ReviewsConcurrency": str(share)},
            f"This account allows {limits.total} concurrent executions. ReviewsConcurrency={share} reserves half of them "
            f"for waiting agents, so that waits cannot block other requests. At most {reservable} can be reserved.")
    # At most `share` waits start within the time that one wait lasts, so at most `share` are held.
    burst = max(1, share * 3 // 5)
    rate = max(0.01, round((share - burst) / WAIT_SECONDS, 2))
    return Advice(
        {"ReviewsConcurrency": "0", "WaitThrottlingRate": f"{rate:g}", "WaitThrottlingBurst": str(burst)},
        f"This account allows only {limits.total} concurrent executions, too few to reserve half of them for waiting agents. "
        f"WaitThrottlingRate={rate:g} and WaitThrottlingBurst={burst} limit the waits to about {share} at the same time; "
        f"further waits get 429 and are retried. Request a higher quota, then deploy again: {QUOTA}")
