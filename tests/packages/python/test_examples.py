"""Each example, with the scripted model: allowed, denied, and with the service down."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, Person, finish, start

EXAMPLES = ROOT / "examples"


@pytest.mark.parametrize(
    ("name", "option", "said"),
    [
        ("langgraph/agent.py", "approve", "The tool said: paid 82000 to Ada"),
        ("openai-agents/agent.py", "approve", "The tool said: paid 82000 to Ada"),
        ("vercel-ai/agent.mjs", "approve", "The tool said: paid 82000 to Ada"),
        ("vercel-ai/agent.mjs", "reject", "Not this one"),
    ],
)
def test_an_agent_makes_the_payment_that_was_approved(
    name: str, option: str, said: str, model: dict[str, str], person: Person, tmp_path: Path
) -> None:
    # Beside the installed packages of npm.
    (tmp_path / "node_modules").symlink_to(ROOT / "tests/packages/node_modules")
    program = str(shutil.copy(EXAMPLES / name, tmp_path))
    interpreter = "node" if name.endswith(".mjs") else sys.executable
    process = start(interpreter, program, **model)
    person.respond(person.asked(process), selectedOption=option, comment="Not this one")
    code, out, err = finish(process)
    assert code == 0 and said in out, (out, err)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no static programs")
def test_the_command_depends_on_no_library_of_the_system() -> None:
    program = shutil.which("placet")
    assert program is not None
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, timeout=60)
    assert "statically linked" in linked.stdout or "not a dynamic executable" in linked.stderr, linked


def test_the_bash_script_runs_what_was_approved(person: Person, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for option, code in (("approve", 0), ("reject", 1)):
        process = start("bash/approve.sh", "touch", str(ran))
        asked = person.asked(process)
        assert asked["review"]["action"]["args"] == {"command": ["touch", str(ran)]}
        person.respond(asked, selectedOption=option, comment="no")
        assert finish(process)[0] == code
        assert ran.exists() is (code == 0)
        ran.unlink(missing_ok=True)
    process = start("bash/approve.sh", "touch", str(ran), PLACET_API_KEY="hp_wrong")
    assert finish(process)[0] != 0 and not ran.exists()


def test_the_job_of_github_actions_waits(person: Person) -> None:
    workflow = yaml.safe_load((EXAMPLES / "github-actions/approval.yml").read_text())
    # A job that is run again asks again: what it needs of other jobs is not repeated.
    assert list(workflow["jobs"]) == ["deploy"] and "needs" not in workflow["jobs"]["deploy"]
    install, wait, *_ = workflow["jobs"]["deploy"]["steps"]
    # This is what CI has done with the wheel.
    assert install == {"run": "pip install placet-serverless"} and wait["shell"] == "python"
    for attempt, (option, code) in enumerate((("approve", 0), ("reject", 1))):
        github = {
            "GITHUB_REF_NAME": "v2.0",
            "GITHUB_REPOSITORY": "example/shop",
            "GITHUB_SHA": "8c1d9a40f4e7",
            "GITHUB_RUN_ID": str(os.getpid()),
            "GITHUB_RUN_ATTEMPT": str(attempt),
        }
        process = start(sys.executable, "-c", wait["run"], **github)
        person.respond(person.asked(process), selectedOption=option, comment="Not on a Friday")
        ended, out, err = finish(process)
        assert ended == code and ("Not on a Friday" in err) is (code == 1), (out, err)
        # The approval of an attempt allows one deployment.
        ended, out, err = finish(start(sys.executable, "-c", wait["run"], **github))
        assert ended == 1 and ("Not on a Friday" if code else "consumed already") in err, (out, err)


def test_the_hook_of_claude_code_decides(person: Person) -> None:
    settings = json.loads((EXAMPLES / "claude-code/settings.json").read_text())
    (entry,) = settings["hooks"]["PreToolUse"]
    (hook,) = entry["hooks"]
    call = {
        "session_id": str(uuid.uuid4()),
        "cwd": "/repo",
        "permission_mode": "default",
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": "make deploy"},
    }
    for option, decision in (("approve", "allow"), ("reject", "deny")):
        process = start("sh", "-c", hook["command"], input=json.dumps(call))
        person.respond(person.asked(process), selectedOption=option, comment="Not on a Friday")
        code, out, err = finish(process)
        assert code == 0, err
        decided = json.loads(out)["hookSpecificOutput"]
        assert decided["permissionDecision"] == decision
        assert (decided.get("permissionDecisionReason") == "Not on a Friday") is (decision == "deny")
    # Exit code 2 is the one that blocks.
    process = start("sh", "-c", hook["command"], input=json.dumps(call), PLACET_API_KEY="hp_wrong")
    assert finish(process)[0] == 2
