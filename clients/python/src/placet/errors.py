"""What can go wrong. Every error means that nothing was allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models import Answer


class PlacetError(Exception):
    """The service refused a call: `status` and `code` are those of its error."""

    def __init__(self, message: str, status: int | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Unavailable(PlacetError):
    """The service could not be reached, or was busy, for as long as the call was repeated."""

    def __init__(self, message: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, status)
        self.retry_after = retry_after


class NotFound(PlacetError):
    """There is no such review among those of this API key."""


class Conflict(PlacetError):
    """409: the `key` was used for another question, or the review is in another state."""


class AlreadyConsumed(Conflict):
    """The approval was used already, so it is unknown whether the act was done. Ask anew, under another key."""

    reason = "This approval was used by an earlier run, which may have made the call. Check that before asking again."
    """For a model."""


class NotApproved(PlacetError):
    """The act was denied, or its review expired, was cancelled or is still pending: see `answer`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


class NotExact(PlacetError, ValueError):
    """Arguments that programs could disagree on, such as a number that no double holds: they have no digest."""


class InvalidReceipt(PlacetError):
    """The receipt is not genuine, has ended, or is about something else."""
