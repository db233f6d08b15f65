"""An agent of the OpenAI Agents SDK whose payments a person approves or rejects in the inbox.

    pip install -r requirements.txt
    PLACET_URL=... PLACET_API_KEY=... OPENAI_API_KEY=... python agent.py
"""

import os

from agents import Agent, OpenAIChatCompletionsModel, function_tool, set_tracing_disabled
from openai import AsyncOpenAI

from placet import Placet
from placet.openai_agents import run_sync


@function_tool(needs_approval=True)
def pay(amount: int, to: str) -> str:
    """Pays an amount to somebody."""
    return f"paid {amount} to {to}"


set_tracing_disabled(True)
agent = Agent(
    name="Accountant",
    model=OpenAIChatCompletionsModel(os.environ.get("MODEL", "gpt-5-mini"), AsyncOpenAI()),
    tools=[pay],
)

if __name__ == "__main__":
    result = run_sync(agent, "Pay invoice 17: 82000 to Ada.", placet=Placet(), expires_in=3600)
    print(result.final_output)
