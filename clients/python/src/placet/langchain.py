"""LangChain and LangGraph: people decide what `HumanInTheLoopMiddleware` interrupts.

`invoke` and `ainvoke` run an agent to its end. For other loops, `resume` and `aresume` turn the interrupts of a result
into the value of `Command(resume=...)`. A tool call that nobody approves in time is rejected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from langchain.agents.middleware.human_in_the_loop import Decision
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.types import Command, Interrupt

from ._client import AsyncPlacet
from ._sync import Placet
from .errors import AlreadyConsumed, NotApproved
from .models import Action, Answer
from .receipts import digest

APPROVE = {"id": "approve", "label": "Approve", "style": "primary", "effect": "allow"}
REJECT = {"id": "reject", "label": "Reject", "style": "danger", "effect": "deny"}
RESPOND = {"id": "respond", "label": "Answer instead, in the comment", "style": "secondary", "effect": "deny"}


def invoke(
    agent: Runnable[Any, Any],
    input: Any,
    config: RunnableConfig,
    *,
    placet: Placet,
    expires_in: int | None = None,
    **options: Any,
) -> Any:
    """`agent.invoke`, again after each interrupt until people have decided all of them.

    After a crash, the same call with `None` as the input goes on with the thread of `config`.
    """
    result = agent.invoke(input, config, **options)
    while answers := resume(result, config, placet=placet, expires_in=expires_in):
        result = agent.invoke(Command(resume=answers), config, **options)
    return result


async def ainvoke(
    agent: Runnable[Any, Any],
    input: Any,
    config: RunnableConfig,
    *,
    placet: AsyncPlacet,
    expires_in: int | None = None,
    **options: Any,
) -> Any:
    """`invoke`, for asyncio."""
    result = await agent.ainvoke(input, config, **options)
    while answers := await aresume(result, config, placet=placet, expires_in=expires_in):
        result = await agent.ainvoke(Command(resume=answers), config, **options)
    return result


def resume(
    result: Any, config: RunnableConfig, *, placet: Placet, expires_in: int | None = None
) -> dict[str, Any]:
    """People's decisions on the interrupts of a result, by the interrupt's id; empty if there is nothing to decide."""
    return placet.run(lambda client: aresume(result, config, placet=client, expires_in=expires_in))


async def aresume(
    result: Any, config: RunnableConfig, *, placet: AsyncPlacet, expires_in: int | None = None
) -> dict[str, Any]:
    """`resume`, for asyncio."""
    thread = config.get("configurable", {})["thread_id"]

    async def decide_one(interrupt: Interrupt[Any]) -> Any:
        key, value = f"{thread}/{interrupt.id}", interrupt.value
        if "type" in value:
            return await _decide(placet, key, value, _allowed_by(interrupt.response_schema), expires_in)
        decisions = await asyncio.gather(
            *(
                _decide(placet, f"{key}/{index}", request, review["allowed_decisions"], expires_in)
                for index, (request, review) in enumerate(
                    zip(value["action_requests"], value["review_configs"], strict=True)
                )
            )
        )
        return {"decisions": decisions}

    interrupts = list(_approval_requests(result))
    return dict(
        zip(
            [interrupt.id for interrupt in interrupts],
            await asyncio.gather(*map(decide_one, interrupts)),
            strict=True,
        )
    )


def _approval_requests(result: Any) -> Iterable[Interrupt[Any]]:
    """The interrupts of the middleware, in both of its modes. Others are the caller's."""
    found = result.get("__interrupt__", ()) if isinstance(result, dict) else getattr(result, "interrupts", ())
    for interrupt in found:
        value = interrupt.value
        if isinstance(value, dict) and ("action_requests" in value or value.get("type") == "tool_approval"):
            yield interrupt


def _allowed_by(schema: Any) -> Collection[str]:
    """The decisions that the schema of an interrupt's answer has: several, or a single one."""
    if "discriminator" in schema:
        return list(schema["discriminator"]["mapping"])
    return [schema["properties"]["type"]["const"]]


async def _decide(
    placet: AsyncPlacet,
    key: str,
    request: Mapping[str, Any],
    allowed: Collection[str],
    expires_in: int | None,
) -> Decision:
    """Asks about one tool call."""
    call = Action(request["name"], request["args"], editable=[""] if "edit" in allowed else None)
    text = request.get("description") or f"May the agent call {call.name}?"
    if not {"approve", "edit"} & set(allowed):
        answer = await placet.ask(text, type="text-input", key=key, expires_in=expires_in)
        return _refusal(answer, allowed, (answer.response or {}).get("text"))
    options = [APPROVE, REJECT] + ([RESPOND] if "respond" in allowed else [])
    answer = await placet.ask(text, action=call, options=options, key=key, expires_in=expires_in)
    if not answer.allowed:
        chosen = (answer.response or {}).get("selectedOption")
        return _refusal(answer, allowed, answer.comment if chosen == "respond" else None)
    try:
        approval = await placet.consume(answer)
    except AlreadyConsumed:
        return {"type": "reject", "message": AlreadyConsumed.reason}
    if "approve" in allowed and approval.claims["digest"] == digest(call):
        return {"type": "approve"}
    return {"type": "edit", "edited_action": {"name": approval.name, "args": dict(approval.args)}}


def _refusal(answer: Answer, allowed: Collection[str], reply: str | None) -> Decision:
    """What takes the place of the call: the person's reply, or the reason why it was not made."""
    if reply and "respond" in allowed:
        return {"type": "respond", "message": reply}
    if "reject" not in allowed:
        raise NotApproved(answer)
    return {"type": "reject", "message": answer.reason}
