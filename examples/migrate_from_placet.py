"""Creates the agents of a Placet service here, and prints what each client has to be set to.

    OLD_URL=https://placet.example OLD_KEY=hp_... NEW_URL=http://localhost:3001 NEW_KEY=hp_... python migrate_from_placet.py

It needs Python alone. Agents that are here by name are not created again, so it can be repeated.
"""

import json
import os
import sys
import urllib.request

COPIED = ("name", "description", "webhookUrl", "tag")


def call(side, method, path, body=None):
    request = urllib.request.Request(os.environ[f"{side}_URL"].rstrip("/") + path, method=method)
    request.add_header("x-api-key", os.environ[f"{side}_KEY"])
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, None if body is None else json.dumps(body).encode(), timeout=30) as response:
        return json.load(response)


def main():
    old, new = (call(side, "GET", "/api/v1/agents") for side in ("OLD", "NEW"))
    by_name = {agent["name"]: agent for agent in new}
    for agent in old:
        made = by_name.get(agent["name"])
        if made is None:
            made = call("NEW", "POST", "/api/v1/agents", {key: agent[key] for key in COPIED if agent.get(key)})
        if agent.get("commands"):
            call("NEW", "PUT", f"/api/v1/agents/{made['id']}/commands", {"commands": agent["commands"]})
        print(f"{agent['name']}: channel {agent['id']} -> {made['id']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
