"""Receipts: the digest of an act, and the verification of what was signed about it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

import jwt
import rfc8785

from .errors import InvalidReceipt, NotExact
from .models import Action, Claims

CLOCK_SKEW_SECONDS = 60


def digest(action: Action) -> str:
    """`sha256:` and the hash of the act's name and arguments in the form of RFC 8785."""
    try:
        canonical = rfc8785.dumps(_doubles({"args": action.args, "name": action.name}))
    except rfc8785.CanonicalizationError as fault:
        raise NotExact(f"the arguments of {action.name} are not exact in JSON: {fault}") from fault
    return "sha256:" + hashlib.sha256(canonical).hexdigest()


def verify(receipt: str, action: Action, jwks: Mapping[str, Any]) -> Claims:
    """The claims of a receipt, if it is genuine and allows exactly this act. `jwks` is `/.well-known/jwks.json`."""
    try:
        kid = jwt.get_unverified_header(receipt).get("kid")
        key = next((key for key in jwks["keys"] if key.get("kid") == kid), None)
        if key is None:
            raise InvalidReceipt("the receipt is signed with an unknown key")
        token = jwt.decode_complete(
            receipt,
            jwt.PyJWK.from_dict(key),
            algorithms=["EdDSA"],
            leeway=CLOCK_SKEW_SECONDS,
            options={"require": ["exp", "sub", "jti"]},
        )
    except jwt.PyJWTError as fault:
        raise InvalidReceipt(f"the receipt is not valid: {fault}") from fault
    claims = cast(Claims, token["payload"])
    if token["header"].get("typ") != "placet-receipt+jwt":
        raise InvalidReceipt("this is not a receipt")
    if claims.get("effect") != "allow":
        raise InvalidReceipt("the act was denied")
    if claims.get("digest") != digest(action):
        raise InvalidReceipt("another act was approved")
    return claims


def _doubles(value: Any) -> Any:
    """Integers as the doubles that RFC 8785 has for all numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _double(value)
    if isinstance(value, Mapping):
        return {name: _doubles(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_doubles(item) for item in value]
    return value


def _double(value: int) -> float:
    """The double that an integer is, or that is written so. The service accepts the same ones."""
    try:
        double = float(value)
    except OverflowError as fault:
        raise NotExact("an integer is larger than any JSON number; pass it as a string") from fault
    if double != value and Decimal(repr(double)) != value:
        raise NotExact(f"{value} is not exact as a JSON number; pass it as a string")
    return double
