"""The official MCP clients, and the official conformance suite for servers, against placet-local."""

import asyncio
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from service import Service, hop

HERE = Path(__file__).resolve().parent
NODE_MODULES = Path(os.environ.get("PLACET_NODE_MODULES", HERE / "node_modules"))
NODE = NODE_MODULES / "node" / "bin" / "node"

# Scenarios of tools that fixtures of the suite must have, prompts and resources are left out: this server has none.
SCENARIOS = {
    "2025-11-25": ["server-initialize", "ping", "tools-list", "dns-rebinding-protection"],
    "2026-07-28": ["server-stateless", "tools-list", "dns-rebinding-protection", "http-header-validation", "caching"],
}
# Checks of those scenarios that need such fixtures, by their ids.
WITHOUT_FIXTURES = {
    "sep-2575-server-rejects-undeclared-capability",
    "sep-2575-missing-capability-http-400",
    "sep-2575-http-server-no-independent-requests-on-stream",
    "sep-2575-server-no-log-without-loglevel",
    "sep-2549-prompts-list-caching-hints",
    "sep-2549-resources-list-caching-hints",
    "sep-2549-resources-templates-list-caching-hints",
    "sep-2549-resources-read-caching-hints",
}


def arguments(service):
    """Arguments with which every tool succeeds."""
    question = {"channelId": service.channel, "text": "?", "review": {"type": "approval"}}
    review = {"type": "approval", "action": {"name": "x", "args": {}}}
    ids = [service.agent("POST", "/api/v1/messages", question)["id"] for _ in range(4)]
    act = service.agent("POST", "/api/v1/messages", {**question, "review": review})
    decided = service.answer(act, selectedOption="approve")
    prompt = {"tool_name": "Bash", "input": {"command": "ls"}, "tool_use_id": act["id"]}
    return {
        "send_message": {"text": "hello"},
        "create_channel": {"name": "another"},
        "get_message": {"messageId": ids[0]},
        "get_messages": {"limit": 2},
        "get_iteration_chain": {"messageId": ids[0]},
        "delete_message": {"messageId": ids[1]},
        "wait_for_review": {"messageId": act["id"]},
        "withdraw_review": {"messageId": ids[2]},
        "consume_approval": {"messageId": act["id"], "actionDigest": decided["review"]["decision"]["actionDigest"]},
        "request_approval": {"action": {"name": "x", "args": {"n": 1}}},
        "send_review_message": {"text": "?", "reviewType": "text-input"},
        "ping_status": {"status": "busy"},
        "permission_prompt": prompt,
        "send_form_answer_message": {"fields": []},
        "send_form_submit_message": {"title": "x", "name": "Ada"},
        "send_http_check_message": {"urls": []},
        "send_kroki_diagram_message": {"source": "a --> b"},
        "send_status_card_message": {"title": "x"},
    }


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.stop)

    def given(self):
        given = arguments(self.service)
        # With a second channel the tools have to name one.
        return {name: {"channelId": self.service.channel, **it} if name != "create_channel" else it for name, it in given.items()}

    def test_the_python_client_calls_every_tool_under_each_revision(self):
        for mode, version in (("auto", "2026-07-28"), ("legacy", "2025-11-25")):
            with self.subTest(mode), self.service.answering({"selectedOption": "approve"}):
                called, spoken = asyncio.run(self.python_client(mode, self.given()))
                self.assertEqual(spoken, version)
                self.assertEqual({name for name, said in called.items() if said != "ok"}, set(), called)
                self.assertGreaterEqual(len(called), 19)

    async def python_client(self, mode, given):
        headers = {"Authorization": f"Bearer {self.service.key}"}
        called = {}
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            transport = streamable_http_client(f"{self.service.url}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                for tool in (await client.list_tools()).tools:
                    result = await client.call_tool(tool.name, given.get(tool.name, {}))
                    called[tool.name] = result.content[0].text if result.is_error else "ok"
                return called, client.protocol_version

    def test_the_typescript_client_calls_every_tool(self):
        command = [NODE, HERE / "every_tool.mjs", f"{self.service.url}/mcp", self.service.key]
        with self.service.answering({"selectedOption": "approve"}):
            ran = subprocess.run(command, input=json.dumps(self.given()), capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        called = json.loads(ran.stdout)
        self.assertEqual({name for name, said in called.items() if said != "ok"}, set(), called)

    def test_the_conformance_suite_passes(self):
        suite = NODE_MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
        with hop(self.service) as url:
            for version, scenarios in SCENARIOS.items():
                for scenario in scenarios:
                    with self.subTest(f"{scenario} {version}"), tempfile.TemporaryDirectory() as directory:
                        command = [NODE, suite, "server", "--url", f"{url}/mcp", "--scenario", scenario]
                        command += ["--spec-version", version, "--output-dir", directory]
                        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=directory)
                        results = list(Path(directory).rglob("checks.json"))
                        self.assertEqual(len(results), 1, ran.stdout + ran.stderr)
                        checks = json.loads(results[0].read_text())
                        failed = [it for it in checks if it["status"] == "FAILURE" and it["id"] not in WITHOUT_FIXTURES]
                        self.assertEqual(failed, [])
                        self.assertTrue(any(it["status"] == "SUCCESS" for it in checks))


if __name__ == "__main__":
    unittest.main()
