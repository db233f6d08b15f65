"""A decorator that asks a person before each call of a function."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar, cast

from ._client import AsyncPlacet
from ._sync import Placet
from .models import Action, Risk

P = ParamSpec("P")
R = TypeVar("R")


def needs_approval(
    placet: Placet | AsyncPlacet,
    *,
    text: str | None = None,
    name: str | None = None,
    risk: Risk | None = None,
    target: str | None = None,
    reversible: bool | None = None,
    editable: Sequence[str] | None = None,
    key: Callable[[Mapping[str, Any]], str] | None = None,
    exclude: Collection[str] = ("self", "cls"),
    expires_in: int | None = None,
    timeout: float | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Runs the function only after a person approved its name and arguments, with the approved arguments.

    Arguments are JSON values; parameters in `exclude` are passed on unseen. `key` makes a call safe to repeat: it
    gets the arguments and returns the key of `approve`. Without an approval the call raises what `approve` raises.
    An `async def` needs an `AsyncPlacet`, any other function a `Placet`.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        call = _Call(function, exclude)
        if inspect.iscoroutinefunction(function) != isinstance(placet, AsyncPlacet):
            raise TypeError("an async function needs an AsyncPlacet, any other function a Placet")

        def action(given: Mapping[str, Any]) -> Action:
            return Action(
                name or function.__name__,
                given,
                target=target,
                summary=_first_line(function),
                risk=risk,
                reversible=reversible,
                editable=editable,
            )

        def options(given: Mapping[str, Any]) -> dict[str, Any]:
            return {"key": key(given) if key else None, "expires_in": expires_in, "timeout": timeout}

        if isinstance(placet, AsyncPlacet):
            client = placet

            @functools.wraps(function)
            async def ask_first(*args: P.args, **kwargs: P.kwargs) -> Any:
                given, kept = call.read(args, kwargs)
                approval = await client.approve(action(given), text, **options(given))
                return await cast(Any, call.run(approval.args, kept))

            return cast("Callable[P, R]", ask_first)

        threaded = placet

        @functools.wraps(function)
        def ask(*args: P.args, **kwargs: P.kwargs) -> R:
            given, kept = call.read(args, kwargs)
            approval = threaded.approve(action(given), text, **options(given))
            return cast(R, call.run(approval.args, kept))

        return ask

    return decorate


class _Call:
    """The arguments of a function, by name."""

    def __init__(self, function: Callable[..., Any], exclude: Collection[str]) -> None:
        self.function, self.exclude = function, exclude
        self.signature = inspect.signature(function)
        self.keywords = None
        for parameter in self.signature.parameters.values():
            if parameter.kind is parameter.VAR_POSITIONAL:
                raise TypeError(f"{function.__name__}: *{parameter.name} has no names to approve")
            if parameter.kind is parameter.VAR_KEYWORD:
                self.keywords = parameter.name

    def read(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """A copy of the arguments to approve, which nobody can change meanwhile, and the excluded ones."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        named = dict(bound.arguments)
        named.update(named.pop(self.keywords) if self.keywords else {})
        kept = {name: value for name, value in named.items() if name in self.exclude}
        given = {name: value for name, value in named.items() if name not in self.exclude}
        return json.loads(json.dumps(given, allow_nan=False)), kept

    def run(self, approved: Mapping[str, Any], kept: Mapping[str, Any]) -> Any:
        if self.exclude and set(approved) & set(kept):
            raise TypeError("an excluded argument cannot be edited")
        named = {**approved, **kept}
        positional = [
            named.pop(parameter.name)
            for parameter in self.signature.parameters.values()
            if parameter.kind is parameter.POSITIONAL_ONLY
        ]
        return self.function(*positional, **named)


def _first_line(function: Callable[..., Any]) -> str | None:
    lines = (inspect.getdoc(function) or "").splitlines()
    return lines[0][:500] if lines else None
