"""Verifies the receipt of a decision before the action is done.

    pip install -r requirements.txt
    echo '{"receipt": "...", "action": {"name": "...", "args": {...}}}' | PLACET_URL=... python verify_receipt.py
"""

import hashlib
import json
import os
import sys

import jwt
import rfc8785


def verify(receipt: str, action: dict, keys: jwt.PyJWKClient) -> dict:
    """The claims of a receipt, if it is genuine and allows exactly this action."""
    key = keys.get_signing_key_from_jwt(receipt)
    token = jwt.decode_complete(receipt, key, algorithms=["EdDSA"], options={"require": ["exp", "sub", "jti"]})
    claims = token["payload"]
    canonical = rfc8785.dumps({"args": action["args"], "name": action["name"]})
    digest = "sha256:" + hashlib.sha256(canonical).hexdigest()
    if token["header"].get("typ") != "placet-receipt+jwt":
        raise jwt.InvalidTokenError("not a receipt")
    if claims["effect"] != "allow":
        raise jwt.InvalidTokenError("the action was denied")
    if claims["digest"] != digest:
        raise jwt.InvalidTokenError("another action was approved")
    return claims


if __name__ == "__main__":
    # Numbers are doubles in RFC 8785.
    given = json.load(sys.stdin, parse_int=float)
    try:
        keys = jwt.PyJWKClient(os.environ["PLACET_URL"].rstrip("/") + "/.well-known/jwks.json")
        print(json.dumps(verify(given["receipt"], given["action"], keys)))
    except jwt.PyJWTError as refused:
        sys.exit(f"refused: {refused}")
