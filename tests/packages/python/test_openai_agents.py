"""The interruptions of the OpenAI Agents SDK."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from agents import Agent, OpenAIChatCompletionsModel, Runner, RunState, function_tool, set_tracing_disabled
from conftest import Person
from openai import AsyncOpenAI

from placet import AsyncPlacet, Placet
from placet.openai_agents import resolve_sync, run, run_sync

During = Callable[..., Future[Any]]
set_tracing_disabled(True)


@pytest.fixture
def paid() -> list[str]:
    return []


@pytest.fixture
def agent(model: dict[str, str], paid: list[str]) -> Agent[Any]:
    return agent_of(model, paid)


def agent_of(model: dict[str, str], paid: list[str]) -> Agent[Any]:
    @function_tool(needs_approval=True)
    def pay(amount: int, to: str) -> str:
        """Pays."""
        paid.append(f"{amount} to {to}")
        return "paid"

    client = AsyncOpenAI(base_url=model["OPENAI_BASE_URL"], api_key="none")
    return Agent(name="Accountant", model=OpenAIChatCompletionsModel("scripted", client), tools=[pay])


def test_an_approved_call_runs(
    agent: Agent[Any], paid: list[str], placet: Placet, person: Person, during: During
) -> None:
    running = during(run_sync, agent, "Pay Ada", placet=placet)
    asked = person.choose("approve")
    assert asked["review"]["action"]["args"] == {"amount": 82000, "to": "Ada"}
    assert running.result().final_output == "The tool said: paid" and paid == ["82000 to Ada"]


def test_a_denied_call_reaches_the_model_with_its_reason(
    agent: Agent[Any], paid: list[str], person: Person, during: During
) -> None:
    async def main() -> Any:
        async with AsyncPlacet() as placet:
            return await run(agent, "Pay Ada", placet=placet)

    running = during(asyncio.run, main())
    person.choose("reject", comment="Too much")
    assert running.result().final_output == "The tool said: Too much" and paid == []


def test_no_answer_rejects(agent: Agent[Any], paid: list[str], placet: Placet) -> None:
    result = run_sync(agent, "Pay Ada", placet=placet, expires_in=1)
    assert result.final_output == "The tool said: Nobody answered in time." and paid == []


def test_after_a_crash_nobody_is_asked_again_and_nothing_is_done_twice(
    model: dict[str, str], paid: list[str], placet: Placet, person: Person, during: During
) -> None:
    key = str(uuid.uuid4())
    interrupted = Runner.run_sync(agent_of(model, paid), "Pay Ada")
    stored = json.dumps(interrupted.to_state().to_json())
    deciding = during(resolve_sync, interrupted, placet=placet, key=key)
    person.choose("approve")
    deciding.result()
    # The process ends here: the approval was used, and the run did not go on.
    agent = agent_of(model, paid)
    state = asyncio.run(RunState.from_json(agent, json.loads(stored)))
    result = run_sync(agent, state, placet=placet, key=key)
    assert "used by an earlier run" in result.final_output and paid == []
