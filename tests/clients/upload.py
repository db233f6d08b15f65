"""Uploads files with several HTTP clients, and prints the stored name and type of each.

tests/http/files/names.rs runs it. It needs curl and the packages of requirements.txt.
"""

import asyncio
import json
import os
import pathlib
import subprocess
import tempfile

import aiohttp
import httpx
import requests
import urllib3

URL = os.environ["PLACET_URL"] + "/api/v1/files/store"
KEY, CHANNEL = os.environ["PLACET_API_KEY"], os.environ["PLACET_CHANNEL"]
HEADERS = {"x-api-key": KEY}

FILES = {
    "plain name.txt": "text/plain",
    "résumé.pdf": "application/pdf",
    "日本 🦀.png": "image/png",
    "50% off.csv": "text/csv",
    'say "hi".md': "text/markdown",
    "a;b=c.html": "text/html",
}


def report(client, name, file):
    print(json.dumps({"client": client, "name": name, "stored": file["filename"], "mimeType": file["mimeType"], "wanted": FILES[name]}))


def by_requests(name):
    return requests.post(URL, headers=HEADERS, data={"channelId": CHANNEL}, files={"file": (name, b"x")}, timeout=30).json()


def by_urllib3(name):
    fields = {"channelId": CHANNEL, "file": (name, b"x")}
    return json.loads(urllib3.request("POST", URL, headers=HEADERS, fields=fields, timeout=30).data)


def by_httpx(name):
    # httpx derives a type from the name; this declares an unspecific one instead.
    files = {"file": (name, b"x", "application/octet-stream")}
    return httpx.post(URL, headers=HEADERS, data={"channelId": CHANNEL}, files=files, timeout=30).json()


def by_curl(name):
    with tempfile.TemporaryDirectory() as directory:
        (pathlib.Path(directory) / name).write_bytes(b"x")
        # curl requires quotes around names with special characters.
        quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        form = ["-F", f"file=@{quoted}", "-F", f"channelId={CHANNEL}"]
        command = ["curl", "-sS", "--max-time", "30", "-H", f"x-api-key: {KEY}", *form, URL]
        return json.loads(subprocess.run(command, cwd=directory, check=True, capture_output=True).stdout)


async def by_aiohttp(name):
    form = aiohttp.FormData()
    form.add_field("file", b"x", filename=name)
    form.add_field("channelId", CHANNEL)
    async with aiohttp.ClientSession() as session, session.post(URL, headers=HEADERS, data=form) as answer:
        return await answer.json()


for name in FILES:
    report("requests", name, by_requests(name))
    report("urllib3", name, by_urllib3(name))
    report("httpx", name, by_httpx(name))
    report("curl", name, by_curl(name))
    report("aiohttp", name, asyncio.run(by_aiohttp(name)))
