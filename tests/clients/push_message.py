"""Browsers and push services, as independent libraries see them. One command and its JSON on standard input; JSON out.

keys N    N pairs of keys of browsers: [{private, p256dh, auth}]
read      [{private, auth, body, authorization}] -> [{payload, claims, key}]: each message decrypted as its browser does
          (http-ece), its token verified as its push service does (py-vapid)
"""

import base64
import json
import os
import sys

import http_ece
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02, _check_sub


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make_keys() -> dict:
    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    number = private.private_numbers().private_value.to_bytes(32, "big")
    return {"private": encode(number), "p256dh": encode(point), "auth": encode(os.urandom(16))}


def read(message: dict) -> dict:
    private = ec.derive_private_key(int.from_bytes(decode(message["private"]), "big"), ec.SECP256R1())
    payload = http_ece.decrypt(
        decode(message["body"]), private_key=private, auth_secret=decode(message["auth"]), version="aes128gcm"
    )
    authorization = message["authorization"]
    assert Vapid02.verify(authorization), "the token is not signed with its key"
    parts = dict(part.split("=", 1) for part in authorization.removeprefix("vapid ").split(","))
    claims = json.loads(decode(parts["t"].split(".")[1]))
    assert _check_sub(claims["sub"]), "the contact is neither a mailto: nor an https: URL"
    return {"payload": json.loads(payload), "claims": claims, "key": parts["k"]}


command = sys.argv[1]
answer = [make_keys() for _ in range(int(sys.argv[2]))] if command == "keys" else [read(it) for it in json.load(sys.stdin)]
json.dump(answer, sys.stdout)
