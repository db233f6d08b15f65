"""A person who answers, at the local runner that tests/packages.sh started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from placet import Placet

T = TypeVar("T")
ROOT = Path(__file__).parents[3]


class Person:
    """The owner of the runner, signed in."""

    def __init__(self) -> None:
        self.http = httpx.Client(base_url=os.environ["PLACET_URL"], timeout=30)
        credentials = {"email": os.environ["PLACET_EMAIL"], "password": os.environ["PLACET_PASSWORD"]}
        signed_in = self.http.post("/api/auth/login", json=credentials).raise_for_status()
        self.http.headers["Authorization"] = f"Bearer {signed_in.cookies['access_token']}"
        self.http.cookies.clear()

    def pending(self) -> list[dict[str, Any]]:
        """What is asked in the tests' channel."""
        channel = {"channel": os.environ["PLACET_CHANNEL"]}
        return list(self.http.get("/api/messages/reviews", params=channel).raise_for_status().json())

    def asked(self, process: subprocess.Popen[str] | None = None) -> dict[str, Any]:
        """The one question, once somebody has asked it."""
        deadline = time.monotonic() + 30
        while not (found := self.pending()):
            if time.monotonic() > deadline:
                pytest.fail("nobody asked")
            if process and process.poll() is not None:
                pytest.fail(f"ended before it asked: {process.communicate()}")
        assert len(found) == 1
        return found[0]

    def respond(self, message: Mapping[str, Any] | str, **response: Any) -> None:
        id = message if isinstance(message, str) else message["id"]
        body = {"response": response}
        self.http.post(f"/api/messages/{id}/respond", json=body).raise_for_status()

    def choose(self, option: str, **more: Any) -> dict[str, Any]:
        """Answers the one question."""
        message = self.asked()
        self.respond(message, selectedOption=option, **more)
        return message


@pytest.fixture(scope="session")
def person() -> Person:
    return Person()


@pytest.fixture(autouse=True)
def nothing_is_left(person: Person) -> Iterator[None]:
    """Each test answers what it asks."""
    yield
    assert person.pending() == []


@pytest.fixture
def placet() -> Iterator[Placet]:
    with Placet() as client:
        yield client


@pytest.fixture
def during() -> Iterator[Callable[..., Future[Any]]]:
    """Runs what waits for a person, while the test is the person."""
    with ThreadPoolExecutor() as pool:
        yield pool.submit


def start(*command: str, input: str = "", **env: str) -> subprocess.Popen[str]:
    """A program of the examples."""
    process = subprocess.Popen(
        command,
        cwd=ROOT / "examples",
        env={**os.environ, **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    process.stdin.write(input)
    process.stdin.close()
    process.stdin = None
    return process


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """How the program ended, what it printed, and its errors."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.fixture(scope="session")
def model() -> Iterator[dict[str, str]]:
    """The environment that leads to the scripted model."""
    process = start(sys.executable, "scripted_model.py", "0")
    assert process.stdout
    try:
        yield {"OPENAI_BASE_URL": process.stdout.readline().strip(), "OPENAI_API_KEY": "none"}
    finally:
        process.terminate()
        process.communicate()
