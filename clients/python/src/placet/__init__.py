"""Ask a person from an agent.

- `Placet`, `AsyncPlacet`: the client, for threads and for asyncio
- `Action`: what an approval is about; `Answer`: how a review ended; `Approval`: the permission to act once
- `needs_approval`: a decorator that asks before each call of a function
- `placet.langchain`, `placet.openai_agents`: adapters
"""

from ._client import AsyncPlacet
from ._sync import Placet
from .decorator import needs_approval
from .errors import (
    AlreadyConsumed,
    Conflict,
    InvalidReceipt,
    NotApproved,
    NotExact,
    NotFound,
    PlacetError,
    Unavailable,
)
from .models import Action, Answer, Approval, Claims
from .receipts import digest, verify

__all__ = [
    "Action",
    "AlreadyConsumed",
    "Answer",
    "Approval",
    "AsyncPlacet",
    "Claims",
    "Conflict",
    "InvalidReceipt",
    "NotApproved",
    "NotExact",
    "NotFound",
    "Placet",
    "PlacetError",
    "Unavailable",
    "digest",
    "needs_approval",
    "verify",
]
