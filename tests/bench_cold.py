"""How large each function's zip is, and how long its process takes until it first asks the Lambda
runtime for work: beside a bare function built with the same profile. `make bench-cold` runs it
after building all of them.

Exits with 1 when a zip is over 4 MB or a start takes over twice as long as the bare one's.
"""

import os
import statistics
import subprocess
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

BUILT = Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "lambda"
BARE = "hello"
ROUNDS = int(os.environ.get("ROUNDS", "30"))
MOST_BYTES = 4_000_000
MOST_RATIO = 2.0


class Runtime(ThreadingHTTPServer):
    """Lambda's runtime API, of which only the first question matters."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Question)
        self.daemon_threads = True
        self.asked = threading.Event()
        self.asked_at = 0.0


class Question(BaseHTTPRequestHandler):
    def do_GET(self):
        if not self.server.asked.is_set():
            self.server.asked_at = time.monotonic()
            self.server.asked.set()
        # Never answered: nobody calls.
        self.rfile.read()

    def do_POST(self):
        """What it says instead, when it cannot start."""
        said = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        sys.exit(f"it did not start: {said.decode(errors='replace')}")

    def log_message(self, *_):
        pass


def start_of(bootstrap, runtime):
    """Milliseconds from the start of its process to its first question."""
    runtime.asked.clear()
    env = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.server_port}", "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "PLACET_TABLE": "table", "PLACET_BUCKET": "bucket", "PLACET_QUEUE": "http://127.0.0.1/queue",
        "PLACET_SECRET": "a secret of at least 32 characters", "PLACET_MAX_WAIT_MS": "28500",
    }
    began = time.monotonic()
    process = subprocess.Popen([bootstrap], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        if not runtime.asked.wait(10):
            sys.exit(f"{bootstrap} never asked for work: {process.stderr.read1().decode(errors='replace')}")
        return (runtime.asked_at - began) * 1000
    finally:
        process.kill()
        process.communicate()


def main():
    zips = {path.parent.name: path for path in sorted(BUILT.glob("*/bootstrap.zip"))}
    if BARE not in zips or len(zips) < 2:
        sys.exit("nothing is built: run `make bench-cold`")
    runtime = Runtime()
    threading.Thread(target=runtime.serve_forever, daemon=True).start()
    times = {name: [] for name in zips}
    with TemporaryDirectory() as directory:
        for name, path in zips.items():
            with zipfile.ZipFile(path) as archive:
                os.chmod(archive.extract("bootstrap", Path(directory) / name), 0o755)
        # Round by round, so that whatever else the machine does meets all alike; the first warms up.
        for n in range(ROUNDS + 1):
            for name in zips:
                took = start_of(Path(directory) / name / "bootstrap", runtime)
                if n > 0:
                    times[name].append(took)
    bare = statistics.median(times[BARE])
    print(f"{'function':<12}{'zip, MB':>9}{'start, ms (median)':>20}{'of the bare one':>17}")
    failed = False
    for name in sorted(zips, key=lambda name: (name != BARE, name)):
        size, start = zips[name].stat().st_size, statistics.median(times[name])
        failed |= size > MOST_BYTES or start > MOST_RATIO * bare
        print(f"{name:<12}{size / 1e6:>9.2f}{start:>20.1f}{start / bare:>16.2f}x")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
