"""OpenAI Agents: people decide the interruptions of tools with `needs_approval`.

`run` and `run_sync` run an agent to its end. For other loops, `resolve` and `resolve_sync` turn an interrupted result
into the state to go on with. A tool call that nobody approves in time is rejected, and the model gets the reason.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from agents import Agent, RunResult, Runner, RunState
from agents.items import ToolApprovalItem

from ._client import AsyncPlacet
from ._sync import Placet
from .errors import AlreadyConsumed
from .models import Action


async def run(
    agent: Agent[Any],
    input: Any,
    *,
    placet: AsyncPlacet,
    key: str | None = None,
    expires_in: int | None = None,
    **options: Any,
) -> RunResult:
    """`Runner.run`, again after each interruption until people have decided all of them. See `resolve`."""
    result = await Runner.run(agent, input, **options)
    while result.interruptions:
        state = await resolve(result, placet=placet, key=key, expires_in=expires_in)
        result = await Runner.run(agent, state, **options)
    return result


def run_sync(
    agent: Agent[Any],
    input: Any,
    *,
    placet: Placet,
    key: str | None = None,
    expires_in: int | None = None,
    **options: Any,
) -> RunResult:
    """`run`, without asyncio."""
    result = Runner.run_sync(agent, input, **options)
    while result.interruptions:
        state = resolve_sync(result, placet=placet, key=key, expires_in=expires_in)
        result = Runner.run_sync(agent, state, **options)
    return result


async def resolve(
    result: RunResult, *, placet: AsyncPlacet, key: str | None = None, expires_in: int | None = None
) -> RunState[Any]:
    """The state of an interrupted run, with each tool call approved or rejected.

    `key` names this run. With it, a program that stored `result.to_state().to_json()` and crashed can go on: the same
    calls are not asked twice. Without it, every call of this function asks.
    """
    state = result.to_state()
    reasons = await asyncio.gather(
        *(_refusal(placet, item, key, expires_in) for item in result.interruptions)
    )
    for item, reason in zip(result.interruptions, reasons, strict=True):
        if reason is None:
            state.approve(item)
        else:
            state.reject(item, rejection_message=reason)
    return state


def resolve_sync(
    result: RunResult, *, placet: Placet, key: str | None = None, expires_in: int | None = None
) -> RunState[Any]:
    """`resolve`, without asyncio."""
    return placet.run(lambda client: resolve(result, placet=client, key=key, expires_in=expires_in))


async def _refusal(
    placet: AsyncPlacet, item: ToolApprovalItem, key: str | None, expires_in: int | None
) -> str | None:
    """Why a call is not made, or `None` if it was approved. The arguments cannot be edited in this framework."""
    name = item.qualified_name or "a tool"
    try:
        args = json.loads(item.arguments or "")
    except ValueError:
        args = None
    if not isinstance(args, dict):
        return "The arguments of this call are no JSON object, so nobody can be asked about it."
    action = Action(name, args)
    answer = await placet.ask(
        f"May the agent {item.agent.name} call {name}?",
        action=action,
        key=f"{key}/{item.call_id}" if key else None,
        expires_in=expires_in,
    )
    if not answer.allowed:
        return answer.reason
    try:
        await placet.consume(answer, action)
    except AlreadyConsumed:
        return AlreadyConsumed.reason
    return None
