"""The decisions of LangChain's middleware, both ways and in both of its modes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Literal

import pytest
from conftest import Person
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from placet import AsyncPlacet, NotApproved, Placet
from placet.langchain import ainvoke, invoke, resume

During = Callable[..., Future[Any]]
CONFIG: Any = {"configurable": {"thread_id": "1"}}
QUESTION = {"messages": [("user", "Pay Ada")]}


class Model(GenericFakeChatModel):
    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self


@pytest.fixture
def paid() -> list[str]:
    return []


@pytest.fixture(params=["batched", "per_call"])
def mode(request: Any) -> Any:
    return request.param


def agent_of(
    paid: list[str], mode: Literal["batched", "per_call"], allowed: Any = None, calls: int = 1
) -> Any:
    def pay(amount: int, to: str) -> str:
        """Pays."""
        paid.append(f"{amount} to {to}")
        return "paid"

    on: Any = {"allowed_decisions": allowed} if allowed else True
    tool_calls = [{"name": "pay", "args": {"amount": n, "to": "Ada"}, "id": f"call_{n}"} for n in range(1, calls + 1)]
    said: Iterator[Any] = iter([AIMessage("", tool_calls=tool_calls), AIMessage("done")])
    middleware: Any = HumanInTheLoopMiddleware({"pay": on}, interrupt_mode=mode)
    return create_agent(Model(messages=said), [pay], middleware=[middleware], checkpointer=InMemorySaver())


def tool_texts(result: Any) -> list[str]:
    """What came of the calls, in the order of the calls."""
    said = [message for message in result["messages"] if isinstance(message, ToolMessage)]
    return [str(message.content) for message in sorted(said, key=lambda message: message.tool_call_id)]


def test_approve_edit_reject_and_respond(
    placet: Placet, person: Person, during: During, paid: list[str], mode: Any
) -> None:
    running = during(invoke, agent_of(paid, mode, calls=4), QUESTION, CONFIG, placet=placet)
    while len(asked := person.pending()) < 4:
        assert not running.done(), running.exception()
    answers: dict[int, dict[str, Any]] = {
        1: {"selectedOption": "approve"},
        2: {"selectedOption": "approve", "editedArgs": {"amount": 20, "to": "Ada"}},
        3: {"selectedOption": "reject", "comment": "Paid already"},
        4: {"selectedOption": "respond", "comment": "I paid it by hand"},
    }
    for message in asked:
        person.respond(message, **answers[message["review"]["action"]["args"]["amount"]])
    first, edited, rejected, responded = tool_texts(running.result())
    assert sorted(paid) == ["1 to Ada", "20 to Ada"]
    assert first == "paid" and edited.endswith("paid")
    assert "Paid already" in rejected and responded == "I paid it by hand"


def test_no_answer_rejects(placet: Placet, paid: list[str], mode: Any) -> None:
    result = invoke(agent_of(paid, mode), QUESTION, CONFIG, placet=placet, expires_in=1)
    assert "Nobody answered in time" in tool_texts(result)[0] and paid == []


def test_where_no_decision_fits_nothing_runs(placet: Placet, paid: list[str], mode: Any) -> None:
    with pytest.raises(NotApproved):
        invoke(agent_of(paid, mode, ["approve"]), QUESTION, CONFIG, placet=placet, expires_in=1)
    assert paid == []


def test_a_tool_that_only_a_person_answers(
    placet: Placet, person: Person, during: During, paid: list[str], mode: Any
) -> None:
    running = during(invoke, agent_of(paid, mode, ["respond"]), QUESTION, CONFIG, placet=placet)
    person.respond(person.asked(), text="by hand")
    assert tool_texts(running.result()) == ["by hand"] and paid == []


def test_asyncio(person: Person, during: During, paid: list[str], mode: Any) -> None:
    async def main() -> Any:
        async with AsyncPlacet() as placet:
            return await ainvoke(agent_of(paid, mode), QUESTION, CONFIG, placet=placet)

    running = during(asyncio.run, main())
    person.choose("approve")
    assert tool_texts(running.result()) == ["paid"]


def test_after_a_crash_nobody_is_asked_again_and_nothing_is_done_twice(
    placet: Placet, person: Person, during: During, paid: list[str], mode: Any
) -> None:
    agent = agent_of(paid, mode)
    interrupted = agent.invoke(QUESTION, CONFIG)
    deciding = during(resume, interrupted, CONFIG, placet=placet)
    person.choose("approve")
    assert deciding.result()
    # The process ends here: the approval was used, and the graph did not go on.
    result = invoke(agent, None, CONFIG, placet=placet)
    assert "used by an earlier run" in tool_texts(result)[0] and paid == []
