"""Calls of the deployed service."""

import json
import urllib.error
import urllib.request


def status(url, body=None, key=None):
    try:
        return urllib.request.urlopen(request(url, body, key), timeout=60).status
    except urllib.error.HTTPError as err:
        return err.code


def answer(url, key=None, body=None, method=None):
    """The JSON of an answer, which is no refusal."""
    with urllib.request.urlopen(request(url, body, key, method), timeout=60) as it:
        return json.load(it)


def request(url, body, key, method=None):
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    return urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers, method=method)
