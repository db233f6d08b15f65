"""A scripted model that speaks the Messages API on loopback."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def model(commands):
    """Uses Bash with these commands, one after another, and then ends. Gives its address and what it was told."""
    told = []

    class Model(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            if "count_tokens" in self.path:
                return self.reply("application/json", json.dumps({"input_tokens": 1}))
            results = [part for message in request["messages"] if isinstance(message["content"], list)
                       for part in message["content"] if part.get("type") == "tool_result"]
            has_bash = any(tool.get("name") == "Bash" for tool in request.get("tools", []))
            if has_bash:
                told[:] = [json.dumps(result["content"]) for result in results]
            if has_bash and len(results) < len(commands):
                block = {"type": "tool_use", "id": f"toolu_{len(results)}", "name": "Bash", "input": {}}
                delta = {"type": "input_json_delta", "partial_json": json.dumps({"command": commands[len(results)]})}
                return self.stream(request, block, delta, "tool_use")
            self.stream(request, {"type": "text", "text": ""}, {"type": "text_delta", "text": "done"}, "end_turn")

        def stream(self, request, block, delta, reason):
            usage = {"input_tokens": 1, "output_tokens": 1}
            message = {"id": "msg_1", "type": "message", "role": "assistant", "model": request["model"], "content": [],
                       "stop_reason": None, "stop_sequence": None, "usage": usage}
            events = [
                {"type": "message_start", "message": message},
                {"type": "content_block_start", "index": 0, "content_block": block},
                {"type": "content_block_delta", "index": 0, "delta": delta},
                {"type": "content_block_stop", "index": 0},
                {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage},
                {"type": "message_stop"},
            ]
            self.reply("text/event-stream", "".join(f"event: {it['type']}\ndata: {json.dumps(it)}\n\n" for it in events))

        def do_GET(self):
            self.reply("application/json", "{}")

        do_HEAD = do_GET

        def reply(self, kind, text):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", told
    finally:
        server.shutdown()
        server.server_close()
