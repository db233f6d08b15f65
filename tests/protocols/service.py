"""placet-local in a temporary directory, its owner, and a loopback hop that adds the key."""

import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.cookiejar import CookieJar
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARIES = ROOT / "target" / "debug"


class Service:
    """A running placet-local."""

    def __init__(self):
        command = [BINARIES / "placet-local", "--ephemeral", "--json", "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started = json.loads(self.process.stdout.readline())
        self.url, self.key, self.channel = started["url"], started["apiKey"], started["channelId"]
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self.person("POST", "/api/auth/login", {"email": started["email"], "password": started["password"]})

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        self.process.stdout.close()

    def person(self, method, path, body=None):
        return self._call(self.browser, method, path, body, {})

    def agent(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.key}"}
        return self._call(urllib.request.build_opener(), method, path, body, headers)

    def _call(self, opener, method, path, body, headers):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with opener.open(request, timeout=60) as response:
            return json.load(response)

    def pending(self):
        return self.person("GET", "/api/messages/reviews")

    def next_question(self, seen=(), patience=60):
        """The first pending question about a use of Bash that is not in `seen`."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            for message in self.pending():
                if message["id"] not in seen and (message["review"]["action"] or {}).get("name") == "Bash":
                    return message
            time.sleep(0.05)
        raise AssertionError("nothing was asked")

    def answer(self, message, **response):
        return self.person("POST", f"/api/messages/{message['id']}/respond", {"response": response})

    @contextmanager
    def answering(self, *responses):
        """Answers the next questions about uses of Bash in the background, in order; gives the questions."""
        questions, failures = [], []

        def run():
            try:
                for response in responses:
                    message = self.next_question([it["id"] for it in questions])
                    questions.append(message)
                    self.answer(message, **response)
            except Exception as error:
                failures.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield questions
        thread.join(60)
        assert not failures, failures


@contextmanager
def hop(service):
    """A server that passes requests on with the service's key, for clients that send none."""

    class Hop(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            passed = {name: value for name, value in self.headers.items() if name.lower() not in ("connection", "content-length")}
            passed["Authorization"] = f"Bearer {service.key}"
            own = f"127.0.0.1:{self.server.server_port}"
            there = service.url.removeprefix("http://")
            for name, value in list(passed.items()):
                if name.lower() in ("host", "origin"):
                    passed[name] = value.replace(own, there).replace(own.replace("127.0.0.1", "localhost"), there)
            request = urllib.request.Request(service.url + self.path, body or None, passed, method=self.command)
            try:
                response = urllib.request.urlopen(request, timeout=60)
            except urllib.error.HTTPError as error:
                response = error
            with response:
                content = response.read()
                self.send_response(response.status)
                for name, value in response.headers.items():
                    if name.lower() in ("content-type", "allow"):
                        self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = forward

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
