"""Creates the agents of a Placet service here, and prints what each client has to be set to.

    OLD_URL=https://placet.example OLD_KEY=hp_... NEW_URL=http://localhost:3001 NEW_KEY=hp_... python migrate_from_placet.py

It needs Python alone. Agents that are here by name are not created again, so it can be repeated. A webhook that is refused
here, such as one at a private address, is left out and reported; what else fails is reported, too, and the exit code is 1.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections import defaultdict

COPIED = ("name", "description", "webhookUrl", "tag")


class Refused(Exception):
    """A service refused a call, with this sentence."""

    def __init__(self, status, sentence):
        super().__init__(f"{sentence} ({status})")
        self.status = status


def call(side, method, path, body=None):
    request = urllib.request.Request(os.environ[f"{side}_URL"].rstrip("/") + path, method=method)
    request.add_header("x-api-key", os.environ[f"{side}_KEY"])
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, None if body is None else json.dumps(body).encode(), timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise Refused(error.code, sentence_of(error.read())) from error


def sentence_of(body):
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return "The service gave no reason"


def create(agent):
    """The new agent, and why its webhook was left out."""
    copied = {key: agent[key] for key in COPIED if agent.get(key)}
    try:
        return call("NEW", "POST", "/api/v1/agents", copied), None
    except Refused as refused:
        if refused.status != 400 or not copied.pop("webhookUrl", None):
            raise
        return call("NEW", "POST", "/api/v1/agents", copied), f"without its webhook {agent['webhookUrl']}: {refused}"


def copy(agent, existing):
    """Copies an agent, unless it is here already, and prints its ids."""
    made, left_out = (existing.pop(0), None) if existing else create(agent)
    print(f"{agent['name']}: channel {agent['id']} -> {made['id']}")
    if left_out:
        print(f"{agent['name']}: {left_out}", file=sys.stderr)
    if agent.get("commands"):
        call("NEW", "PUT", f"/api/v1/agents/{made['id']}/commands", {"commands": agent["commands"]})


def main():
    try:
        old, new = (call(side, "GET", "/api/v1/agents") for side in ("OLD", "NEW"))
    except Refused as refused:
        sys.exit(str(refused))
    # Several agents may have one name: the first one there is the first one here.
    by_name = defaultdict(list)
    for agent in new:
        by_name[agent["name"]].append(agent)
    failed = False
    for agent in old:
        try:
            copy(agent, by_name[agent["name"]])
        except Refused as refused:
            print(f"{agent['name']}: {refused}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
