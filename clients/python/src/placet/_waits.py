"""Waits for answers. Up to a hundred share one call, so a thousand waits hold ten connections."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any, TypeVar

from ._http import Http, pause
from .errors import NotFound, PlacetError, Unavailable

IDS_PER_CALL = 100
HOLD_MS = 25_000
# How long a call is put off for further waits to join it, in seconds.
JOIN_WINDOW = 0.01

Message = Mapping[str, Any]
T = TypeVar("T")


class Waits:
    """The waits of one client, on one event loop."""

    def __init__(self, http: Http) -> None:
        self.http = http
        self.groups: list[_Group] = []

    async def until_decided(self, message_id: str) -> Message:
        """The message, once its review is no longer pending."""
        group = next((group for group in self.groups if group.has_room(message_id)), None) or _Group(self)
        future = group.add(message_id)
        try:
            return await future
        finally:
            for group in self.groups:
                group.remove(message_id, future)

    def close(self) -> None:
        """Ends every wait with an error."""
        for group in self.groups:
            group.task.cancel()


class _Group:
    """Waits that share a call."""

    def __init__(self, waits: Waits) -> None:
        self.waits = waits
        self.waiting: dict[str, list[asyncio.Future[Message]]] = {}
        self.changed = asyncio.Event()
        self.failures = 0
        self.task = asyncio.create_task(self._run())
        waits.groups.append(self)

    def has_room(self, message_id: str) -> bool:
        return message_id in self.waiting or len(self.waiting) < IDS_PER_CALL

    def add(self, message_id: str) -> asyncio.Future[Message]:
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        if message_id not in self.waiting:
            self.changed.set()
        self.waiting.setdefault(message_id, []).append(future)
        return future

    def remove(self, message_id: str, future: asyncio.Future[Message]) -> None:
        futures = self.waiting.get(message_id, [])
        if future in futures:
            futures.remove(future)
            if not futures:
                del self.waiting[message_id]
            if not self.waiting:
                self.changed.set()

    async def _run(self) -> None:
        try:
            while self.waiting and not self._joins_another():
                await asyncio.sleep(JOIN_WINDOW)
                await self._round()
        except BaseException as fault:
            self._fail(list(self.waiting), PlacetError(f"the wait ended: {fault!r}"))
            raise
        finally:
            self.waits.groups.remove(self)

    async def _round(self) -> None:
        """One call, and the pause that its answer asks for."""
        self.changed.clear()
        try:
            answer = await self._unless_changed(self._call())
        except Unavailable as fault:
            await asyncio.sleep(pause(self.failures, fault))
            self.failures += 1
            return
        except PlacetError as fault:
            self._fail(list(self.waiting), fault)
            return
        self.failures = 0
        if answer is None:
            return
        for message in answer["decided"]:
            for future in self.waiting.pop(message["id"], []):
                if not future.done():
                    future.set_result(message)
        self._fail(answer["unknown"], NotFound("there is no such review", 404, "not_found"))
        if answer["pollAfterMs"] and not answer["more"]:
            await self._unless_changed(asyncio.sleep(answer["pollAfterMs"] / 1000))

    async def _call(self) -> Any:
        params = {"ids": ",".join(self.waiting), "timeout": str(HOLD_MS), "patient": "true"}
        return await self.waits.http.once("GET", "/api/v1/reviews/wait", params=params)

    async def _unless_changed(self, awaitable: Awaitable[T]) -> T | None:
        """The result, or `None` if a wait has joined meanwhile, or all have gone."""
        task, changed = asyncio.ensure_future(awaitable), asyncio.ensure_future(self.changed.wait())
        try:
            await asyncio.wait({task, changed}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            for one in (task, changed):
                one.cancel()
            await asyncio.gather(task, changed, return_exceptions=True)

    def _joins_another(self) -> bool:
        """Moves the waits to a group that has room for all of them."""
        for other in self.waits.groups:
            if other is not self and len(other.waiting) + len(self.waiting) <= IDS_PER_CALL:
                for message_id, futures in self.waiting.items():
                    other.waiting.setdefault(message_id, []).extend(futures)
                self.waiting = {}
                other.changed.set()
                return True
        return False

    def _fail(self, message_ids: Iterable[str], fault: PlacetError) -> None:
        for message_id in message_ids:
            for future in self.waiting.pop(message_id, []):
                if not future.done():
                    future.set_exception(fault)
