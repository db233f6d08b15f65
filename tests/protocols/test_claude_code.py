"""Claude Code's own program with a scripted model, and `placet hook` between it and its tools."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from model import model
from service import BINARIES, Service

HERE = Path(__file__).resolve().parent
NODE_MODULES = Path(os.environ.get("PLACET_NODE_MODULES", HERE / "node_modules"))
CLAUDE = NODE_MODULES / ".bin" / "claude"


class ClaudeCode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.stop)

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.work = Path(directory.name)

    def run_claude(self, commands, event="PreToolUse", timeout=60, url=None, hook_url=None):
        """Runs the program headless; gives what the model was told of its tools."""
        command = f"{BINARIES / 'placet'} hook claude-code --timeout {timeout}"
        hook = {"type": "command", "command": command, "timeout": timeout}
        if hook_url:
            hook = {"type": "http", "url": hook_url, "headers": {"Authorization": f"Bearer {self.service.key}"}, "timeout": timeout}
        (self.work / "settings.json").write_text(json.dumps({"hooks": {event: [{"matcher": "Bash", "hooks": [hook]}]}}))
        with model(commands) as (address, told):
            environment = {
                "PATH": f"{NODE_MODULES / 'node' / 'bin'}:{os.environ['PATH']}",
                "HOME": str(self.work),
                "ANTHROPIC_BASE_URL": address,
                "ANTHROPIC_API_KEY": "none",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "DISABLE_AUTOUPDATER": "1",
                "PLACET_URL": url or self.service.url,
                "PLACET_API_KEY": self.service.key,
                "PLACET_CHANNEL": self.service.channel,
            }
            ran = subprocess.run(
                [CLAUDE, "-p", "go", "--settings", self.work / "settings.json", "--output-format", "json"],
                cwd=self.work, env=environment, capture_output=True, text=True, timeout=150, stdin=subprocess.DEVNULL,
            )
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
            return list(told)

    def there(self, name):
        return (self.work / name).exists()

    def test_an_allowed_command_runs(self):
        with self.service.answering({"selectedOption": "approve"}) as asked:
            self.run_claude(["touch made"])
        self.assertTrue(self.there("made"))
        self.assertEqual(asked[0]["review"]["action"]["args"]["command"], "touch made")

    def test_a_denied_command_does_not_run_and_the_model_learns_why(self):
        with self.service.answering({"selectedOption": "reject", "comment": "use the staging server"}):
            told = self.run_claude(["touch made"])
        self.assertFalse(self.there("made"))
        self.assertIn("use the staging server", told[0])

    def test_an_edited_command_runs_as_it_was_edited(self):
        with self.service.answering({"selectedOption": "approve", "editedArgs": {"command": "touch other"}}):
            self.run_claude(["touch made"])
        self.assertEqual((self.there("made"), self.there("other")), (False, True))

    def test_the_same_command_is_asked_about_each_time(self):
        for event in ("PreToolUse", "PermissionRequest"):
            with self.subTest(event):
                with self.service.answering({"selectedOption": "approve"}, {"selectedOption": "reject"}) as asked:
                    told = self.run_claude(["date >> log", "date >> log"], event)
                self.assertEqual((len(asked), len(told)), (2, 2))
                self.assertEqual(len((self.work / "log").read_text().splitlines()), 1)
                (self.work / "log").unlink()

    def test_without_an_answer_nothing_runs(self):
        for event in ("PreToolUse", "PermissionRequest"):
            with self.subTest(event):
                told = self.run_claude(["touch made"], event, timeout=7)
                self.assertFalse(self.there("made"))
                self.assertEqual(len(told), 1)
        for message in self.service.pending():
            self.service.answer(message, selectedOption="reject")

    def test_while_the_service_is_down_nothing_runs(self):
        for event in ("PreToolUse", "PermissionRequest"):
            with self.subTest(event):
                self.run_claude(["touch made"], event, timeout=20, url="http://127.0.0.1:9")
                self.assertFalse(self.there("made"))

    def test_an_http_hook_decides_too(self):
        url = f"{self.service.url}/api/v1/hooks/claude-code?channel={self.service.channel}"
        with self.service.answering({"selectedOption": "reject", "comment": "not over http"}):
            told = self.run_claude(["touch made"], "PermissionRequest", hook_url=url)
        self.assertFalse(self.there("made"))
        self.assertIn("not over http", told[0])


if __name__ == "__main__":
    unittest.main()
