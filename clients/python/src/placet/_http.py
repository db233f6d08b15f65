"""Calls of the API. Each is safe to repeat, and is repeated while the service is busy or unreachable."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Mapping
from typing import Any

import httpx

from .errors import AlreadyConsumed, Conflict, NotFound, PlacetError, Unavailable

ATTEMPTS = 6
BUSY = {429, 502, 503, 504}
# Calls, beside waits, that run at the same time; the others queue up.
CONCURRENT_CALLS = 10


class Http:
    """The connection pool of one client."""

    def __init__(self, url: str | None, api_key: str | None) -> None:
        self._calls = asyncio.Semaphore(CONCURRENT_CALLS)
        self._client = httpx.AsyncClient(
            base_url=(url or _setting("PLACET_URL")).rstrip("/"),
            headers={"Authorization": "Bearer " + (api_key or _setting("PLACET_API_KEY"))},
            timeout=httpx.Timeout(30, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=CONCURRENT_CALLS),
        )

    async def call(
        self,
        method: str,
        path: str,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """The body of the answer, after up to `ATTEMPTS` attempts."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else None
        for attempt in range(ATTEMPTS):
            try:
                async with self._calls:
                    return await self.once(method, path, json=json, params=params, headers=headers)
            except Unavailable as fault:
                if attempt + 1 == ATTEMPTS:
                    raise
                await asyncio.sleep(pause(attempt, fault))

    async def once(self, method: str, path: str, **options: Any) -> Any:
        """The body of the answer to one attempt."""
        try:
            response = await self._client.request(method, path, **options)
        except httpx.TransportError as fault:
            raise Unavailable(f"{method} {path}: {type(fault).__name__}: {fault}") from fault
        if response.is_success:
            return response.json()
        raise _error(response)

    async def close(self) -> None:
        await self._client.aclose()


def pause(attempt: int, fault: Unavailable) -> float:
    """Seconds to the next attempt: what the service asked for, else twice as long each time, up to 30 s."""
    if fault.retry_after is not None:
        return fault.retry_after + random.uniform(0, 0.5)
    return min(0.25 * 2.0 ** min(attempt, 10), 30.0) * random.uniform(0.5, 1)


def _error(response: httpx.Response) -> PlacetError:
    try:
        body = response.json()
        message, code = str(body["message"]), str(body.get("code"))
    except (ValueError, KeyError, TypeError):
        message, code = f"the service answered {response.status_code}", ""
    status = response.status_code
    if status in BUSY:
        after = response.headers.get("Retry-After", "")
        return Unavailable(message, status, float(after) if after.isdigit() else None)
    if status == 409:
        return (AlreadyConsumed if code == "already_consumed" else Conflict)(message, status, code)
    return (NotFound if status == 404 else PlacetError)(message, status, code)


def _setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ValueError(f"set {name}, or pass it to the client")
    return value
