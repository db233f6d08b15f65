"""A model that costs nothing, for trying the examples: it speaks OpenAI's chat completions on the loopback address.

It calls the first tool of a conversation once, to pay Ada, and then repeats what came of it.

    python examples/scripted_model.py 8765
    OPENAI_BASE_URL=http://127.0.0.1:8765/v1 OPENAI_API_KEY=none python examples/langgraph/agent.py
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def reply(request: dict[str, Any]) -> dict[str, Any]:
    """The next message of a conversation."""
    last = request["messages"][-1]
    if last["role"] == "tool":
        content = last["content"]
        texts = content if isinstance(content, str) else " ".join(part["text"] for part in content)
        return {"role": "assistant", "content": f"The tool said: {texts}"}
    call = {"name": request["tools"][0]["function"]["name"], "arguments": '{"amount": 82000, "to": "Ada"}'}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
    }


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        message = reply(request)
        body = {
            "id": "chatcmpl_1",
            "object": "chat.completion",
            "created": 0,
            "model": request["model"],
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "finish_reason": "tool_calls" if message.get("tool_calls") else "stop",
                }
            ],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Model)
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    server.serve_forever()
