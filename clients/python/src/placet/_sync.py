"""The client for threads: `AsyncPlacet` on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from types import TracebackType
from typing import Any, TypeVar

from ._client import AsyncPlacet
from .errors import PlacetError
from .models import Action, Answer, Approval, Claims

T = TypeVar("T")


class Placet:
    """A client of one service, for any number of threads. The methods are those of `AsyncPlacet`."""

    def __init__(self, url: str | None = None, api_key: str | None = None, channel: str | None = None) -> None:
        self._settings = (url, api_key, channel)
        self._worker = _Worker(self._settings)

    def ask(
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
        """Asks a person and waits for the answer. See `AsyncPlacet.ask`."""
        return self.run(
            lambda placet: placet.ask(
                text,
                type=type,
                payload=payload,
                action=action,
                options=options,
                key=key,
                expires_in=expires_in,
                timeout=timeout,
            )
        )

    def approve(
        self,
        action: Action,
        text: str | None = None,
        *,
        options: Sequence[Mapping[str, Any]] | None = None,
        key: str | None = None,
        expires_in: int | None = None,
        timeout: float | None = None,
    ) -> Approval:
        """Asks for the permission to act once, or raises. See `AsyncPlacet.approve`."""
        return self.run(
            lambda placet: placet.approve(
                action, text, options=options, key=key, expires_in=expires_in, timeout=timeout
            )
        )

    def wait(self, id: str, *, timeout: float | None = None) -> Answer:
        """Waits for the answer to a question. See `AsyncPlacet.wait`."""
        return self.run(lambda placet: placet.wait(id, timeout=timeout))

    def consume(self, answer: Answer, action: Action | None = None) -> Approval:
        """Verifies and uses an approval. See `AsyncPlacet.consume`."""
        return self.run(lambda placet: placet.consume(answer, action))

    def verify(self, receipt: str, action: Action) -> Claims:
        """Verifies a receipt. See `AsyncPlacet.verify`."""
        return self.run(lambda placet: placet.verify(receipt, action))

    def cancel(self, id: str, reason: str | None = None) -> Answer:
        """Withdraws a question. See `AsyncPlacet.cancel`."""
        return self.run(lambda placet: placet.cancel(id, reason))

    def run(self, act: Callable[[AsyncPlacet], Awaitable[T]]) -> T:
        """Runs a coroutine with the asynchronous client, for what needs several waits at a time."""
        # A forked process has no thread of its parent, and must not share its connections.
        if self._worker.pid != os.getpid():
            self._worker = _Worker(self._settings)
        return self._worker.run(act)

    def close(self) -> None:
        """Ends the waits and closes the connections."""
        if self._worker.pid == os.getpid():
            self._worker.close()

    def __enter__(self) -> Placet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Worker:
    """An event loop in a thread, and the client on it."""

    def __init__(self, settings: tuple[str | None, str | None, str | None]) -> None:
        self.pid = os.getpid()
        self.placet = AsyncPlacet(*settings)
        self.loop = asyncio.new_event_loop()
        self.lock = threading.Lock()
        self.is_closed = False
        self.thread = threading.Thread(target=self.loop.run_forever, name="placet", daemon=True)
        self.thread.start()

    def run(self, act: Callable[[AsyncPlacet], Awaitable[T]]) -> T:
        async def started() -> T:
            return await act(self.placet)

        if threading.current_thread() is self.thread:
            raise RuntimeError("this thread runs the client's event loop: use its AsyncPlacet")
        with self.lock:
            if self.is_closed:
                raise PlacetError("the client is closed")
            future = asyncio.run_coroutine_threadsafe(started(), self.loop)
        try:
            return future.result()
        except CancelledError:
            raise PlacetError("the client was closed") from None
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        with self.lock:
            if self.is_closed:
                return
            self.is_closed = True
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def _end(self) -> None:
        await self.placet.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
