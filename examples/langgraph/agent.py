"""A LangGraph agent whose payments a person approves, edits or rejects in the inbox.

    pip install -r requirements.txt
    PLACET_URL=... PLACET_API_KEY=... OPENAI_API_KEY=... python agent.py
"""

import os
import uuid

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain.chat_models import init_chat_model
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from placet import Placet
from placet.langchain import invoke


def pay(amount: int, to: str) -> str:
    """Pays an amount to somebody."""
    return f"paid {amount} to {to}"


agent = create_agent(
    init_chat_model(os.environ.get("MODEL", "gpt-5-mini"), model_provider="openai"),
    tools=[pay],
    middleware=[HumanInTheLoopMiddleware({"pay": True})],
    # With a checkpointer that stores on disk, the same thread_id goes on after a crash.
    checkpointer=InMemorySaver(),
)

if __name__ == "__main__":
    question = {"messages": [{"role": "user", "content": "Pay invoice 17: 82000 to Ada."}]}
    config: RunnableConfig = {"configurable": {"thread_id": str(uuid.uuid4())}}
    result = invoke(agent, question, config, placet=Placet(), expires_in=3600)
    print(result["messages"][-1].content)
