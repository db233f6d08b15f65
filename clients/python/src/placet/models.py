"""What is asked, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

Risk = Literal["low", "medium", "high"]
Status = Literal["pending", "completed", "expired", "cancelled"]


class Claims(TypedDict):
    """What a receipt says; see docs/APPROVALS.md."""

    sub: str
    channel: str
    effect: Literal["allow", "deny"]
    action: str
    digest: str
    decided_by: str
    iat: int
    exp: int
    jti: str


@dataclass(frozen=True)
class Action:
    """An act: the name of what is called, and its arguments (JSON values).

    `editable` are JSON Pointers into `args` that the person may change; `""` stands for all of them.
    """

    name: str
    args: Mapping[str, Any]
    target: str | None = None
    summary: str | None = None
    risk: Risk | None = None
    reversible: bool | None = None
    editable: Sequence[str] | None = None
    args_schema: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """As the API takes it."""
        members = {
            "name": self.name,
            "args": dict(self.args),
            "target": self.target,
            "summary": self.summary,
            "risk": self.risk,
            "reversible": self.reversible,
            "editable": None if self.editable is None else list(self.editable),
            "argsSchema": None if self.args_schema is None else dict(self.args_schema),
        }
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True)
class Answer:
    """How a review ended, or that it is still pending. It is true if it allows what was asked."""

    id: str
    status: Status
    allowed: bool
    response: Mapping[str, Any] | None
    """The answer as the review's type has it, such as `{"selectedOption": "approve"}`."""
    comment: str | None
    """What the person wrote beside it."""
    action: Action | None
    """The act as it was decided: its arguments may have been edited."""
    receipt: str | None
    message: Mapping[str, Any] = field(repr=False)
    """The whole message, as the API sent it."""

    def __bool__(self) -> bool:
        return self.allowed

    @property
    def reason(self) -> str:
        """Why it was not allowed, as a sentence for a model or a log."""
        if self.status == "expired":
            return "Nobody answered in time."
        if self.status == "completed":
            return self.comment or "A person denied this."
        return self.comment or ("The request was withdrawn." if self.status == "cancelled" else "Not answered yet.")

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Answer:
        """Reads the review of a message."""
        review: Mapping[str, Any] = message["review"]
        response: Mapping[str, Any] | None = review.get("response")
        decision: Mapping[str, Any] | None = review.get("decision")
        comment = (response or {}).get("comment") or review.get("feedback") or review.get("cancelReason")
        return cls(
            id=message["id"],
            status=review["status"],
            allowed=review["status"] == "completed" and _allows(review),
            response=response,
            comment=comment if isinstance(comment, str) else None,
            action=Action(decision["action"]["name"], decision["action"]["args"]) if decision else None,
            receipt=review.get("receipt"),
            message=message,
        )


def _allows(review: Mapping[str, Any]) -> bool:
    """Of a completed review: of an act what was decided, of an approval its option, of others that they were answered."""
    if review.get("action"):
        return bool((review.get("decision") or {}).get("effect") == "allow")
    response = review.get("response") or {}
    if review["type"] != "approval":
        return not response.get("_dismissed")
    chosen = response.get("selectedOption")
    for option in (review.get("payload") or {}).get("options") or []:
        if isinstance(option, dict) and option.get("id") == chosen and "effect" in option:
            return bool(option["effect"] == "allow")
    return bool(chosen == "approve")


@dataclass(frozen=True)
class Approval:
    """The permission to do an act, once: it was verified and consumed. Use `args`, which may have been edited."""

    id: str
    name: str
    args: Mapping[str, Any]
    comment: str | None
    claims: Claims
