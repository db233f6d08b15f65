"""Asks 1,010 questions in a channel of their own, for the tests of many waits, and prints their ids.

The test of each language waits for the first thousand that are still pending, and answers ten of them.
"""

import asyncio
import os

import httpx

from placet import AsyncPlacet

QUESTIONS = 1010


async def main() -> None:
    headers = {"Authorization": f"Bearer {os.environ['PLACET_API_KEY']}"}
    url = os.environ["PLACET_URL"] + "/api/v1/agents"
    agent = httpx.post(url, headers=headers, json={"name": "Many questions"}).raise_for_status().json()
    async with AsyncPlacet(channel=agent["id"]) as placet:
        asked = await asyncio.gather(*(placet.ask(f"Question {n}", timeout=0) for n in range(QUESTIONS)))
    print("\n".join(answer.id for answer in asked))


if __name__ == "__main__":
    asyncio.run(main())
