"""The client for asyncio. `Placet` is the same for threads."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import uuid
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from ._http import Http
from ._waits import Waits
from .errors import Conflict, InvalidReceipt, NotApproved
from .models import Action, Answer, Approval, Claims
from .receipts import digest, verify


class AsyncPlacet:
    """A client of one service, for one event loop.

    `url`, `api_key` and `channel` are taken from `PLACET_URL`, `PLACET_API_KEY` and `PLACET_CHANNEL` where absent.
    """

    def __init__(self, url: str | None = None, api_key: str | None = None, channel: str | None = None) -> None:
        self._http = Http(url, api_key)
        self._waits = Waits(self._http)
        self._channel = channel or os.environ.get("PLACET_CHANNEL")
        self._jwks: Mapping[str, Any] = {"keys": []}

    async def ask(
        self,
        text: str,
        *,
        type: str = "approval",
        payload: Mapping[str, Any] | None = None,
        action: Action | None = None,
        options: Sequence[Mapping[str, Any]] | None = None,
        key: str | None = None,
        expires_in: int | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Asks a person and waits for the answer.

        `key` makes the question safe to repeat, after a crash too: the same key asks once and gets the same answer.
        `expires_in` is how many seconds the person has (a day unless given, at most 30 days). `timeout` is how many
        seconds this call waits; then the answer is pending, and `wait` continues with its `id`.
        """
        payload = {**(payload or {}), **({"options": list(options)} if options else {})}
        review: dict[str, Any] = {"type": type, "payload": payload or None, "expiresInSeconds": expires_in}
        if action:
            review["action"] = action.to_json()
        if expires_in and expires_in > 36 * 3600:
            review["longLived"] = True
        message = {
            "channelId": await self._channel_id(),
            "clientId": client_id(key),
            "text": text,
            "review": {name: value for name, value in review.items() if value is not None},
        }
        asked = await self._http.call("POST", "/api/v1/messages", json=message)
        return await self.wait(asked["id"], timeout=timeout)

    async def approve(
        self,
        action: Action,
        text: str | None = None,
        *,
        options: Sequence[Mapping[str, Any]] | None = None,
        key: str | None = None,
        expires_in: int | None = None,
        timeout: float | None = None,
    ) -> Approval:
        """Asks for the permission to act, waits, verifies the receipt and consumes the approval.

        Use the `args` of the result, which the person may have edited. Everything but an approval raises:
        `NotApproved` when it was denied or not answered in time, `AlreadyConsumed` when a call before a crash used it.
        """
        asked = text or action.summary or f"May I call {action.name}?"
        answer = await self.ask(
            asked, action=action, options=options, key=key, expires_in=expires_in, timeout=timeout
        )
        return await self.consume(answer)

    async def wait(self, id: str, *, timeout: float | None = None) -> Answer:
        """Waits until a review is decided, expired or cancelled, or for `timeout` seconds: then it is pending."""
        if not re.fullmatch(r"[\w-]+", id, re.ASCII):
            raise ValueError(f"{id!r} is not the id of a message")
        try:
            return Answer.of(await asyncio.wait_for(self._waits.until_decided(id), timeout))
        except asyncio.TimeoutError:
            return Answer.of(await self._http.call("GET", f"/api/v1/reviews/{id}"))

    async def consume(self, answer: Answer, action: Action | None = None) -> Approval:
        """Uses an approval, which allows to act once: verifies the receipt, then tells the service.

        With `action`, exactly that act must have been approved; otherwise it is the one that was decided.
        """
        action = action or answer.action
        if not answer.allowed or not action or not answer.receipt:
            raise NotApproved(answer)
        claims = await self.verify(answer.receipt, action)
        if claims["sub"] != answer.id:
            raise InvalidReceipt("the receipt is of another review")
        # The same key in all attempts of this call, and in no other call.
        await self._http.call(
            "POST",
            f"/api/v1/reviews/{answer.id}/consume",
            json={"actionDigest": digest(action)},
            idempotency_key=str(uuid.uuid4()),
        )
        return Approval(answer.id, action.name, action.args, answer.comment, claims)

    async def verify(self, receipt: str, action: Action) -> Claims:
        """The claims of a receipt, if it is genuine and allows exactly this act. The public keys are cached."""
        try:
            return verify(receipt, action, self._jwks)
        except InvalidReceipt:
            self._jwks = await self._http.call("GET", "/.well-known/jwks.json")
            return verify(receipt, action, self._jwks)

    async def cancel(self, id: str, reason: str | None = None) -> Answer:
        """Withdraws a question. If it was decided or had expired before, the answer says so."""
        try:
            body = {"reason": reason} if reason else {}
            return Answer.of(await self._http.call("POST", f"/api/v1/reviews/{id}/cancel", json=body))
        except Conflict:
            return Answer.of(await self._http.call("GET", f"/api/v1/reviews/{id}"))

    async def close(self) -> None:
        """Ends the waits and closes the connections."""
        self._waits.close()
        await self._http.close()

    async def __aenter__(self) -> AsyncPlacet:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _channel_id(self) -> str:
        """The configured channel, or that of the key's only agent."""
        if not self._channel:
            agents = await self._http.call("GET", "/api/v1/agents")
            if len(agents) != 1:
                raise ValueError("set PLACET_CHANNEL, or pass channel: the API key reaches several agents or none")
            self._channel = str(agents[0]["id"])
        return self._channel


def client_id(key: str | None) -> str:
    """The message's `clientId`: of any length in, of a fixed one out. The TypeScript package derives the same."""
    return "key-" + hashlib.sha256(key.encode()).hexdigest() if key else f"once-{uuid.uuid4()}"
