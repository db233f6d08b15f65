"""Asking, approving and consuming, in threads and with asyncio."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from conftest import Person

from placet import (
    Action,
    AlreadyConsumed,
    Answer,
    AsyncPlacet,
    Conflict,
    InvalidReceipt,
    NotApproved,
    NotExact,
    NotFound,
    Placet,
    PlacetError,
    digest,
    needs_approval,
)

During = Callable[..., Future[Any]]
PAY = Action("pay", {"amount": 82000, "to": "Ada"}, editable=["/amount"], risk="high", summary="Pays invoice 17")


def test_an_answer_allows_only_if_it_is_an_approval(placet: Placet, person: Person, during: During) -> None:
    for option, allowed in (("approve", True), ("reject", False)):
        asked = during(placet.ask, "May I?")
        person.choose(option, comment="because")
        answer = asked.result()
        assert (bool(answer), answer.status, answer.comment) == (allowed, "completed", "because")


def test_the_effect_of_an_option_decides(placet: Placet, person: Person, during: During) -> None:
    options = [{"id": "go", "label": "Go", "effect": "allow"}, {"id": "approve", "label": "Not yet", "effect": "deny"}]
    for option, allowed in (("go", True), ("approve", False)):
        asked = during(placet.ask, "May I?", options=options)
        person.choose(option)
        assert bool(asked.result()) is allowed


def test_other_types_return_their_response(placet: Placet, person: Person, during: During) -> None:
    asked = during(placet.ask, "Your name?", type="text-input")
    person.respond(person.asked(), text="Ada")
    assert asked.result().response == {"text": "Ada"}


def test_a_cancelled_and_an_expired_question_allow_nothing(placet: Placet) -> None:
    pending = placet.ask("May I?", timeout=0)
    assert (pending.status, bool(pending)) == ("pending", False)
    cancelled = placet.cancel(pending.id, "no longer needed")
    assert (cancelled.status, bool(cancelled), cancelled.reason) == ("cancelled", False, "no longer needed")
    assert placet.wait(pending.id) == cancelled
    expired = placet.ask("May I?", expires_in=1)
    assert (expired.status, bool(expired), expired.reason) == ("expired", False, "Nobody answered in time.")


def test_an_approval_is_edited_verified_and_consumed(placet: Placet, person: Person, during: During) -> None:
    asked = during(placet.approve, PAY)
    edited = {"amount": 80000, "to": "Ada"}
    message = person.choose("approve", editedArgs=edited, comment="Without the fee")
    assert message["review"]["actionDigest"] == digest(PAY)
    approval = asked.result()
    assert (approval.name, approval.args, approval.comment) == ("pay", edited, "Without the fee")
    assert approval.claims["sub"] == approval.id == message["id"]
    with pytest.raises(AlreadyConsumed):
        placet.consume(placet.wait(approval.id))


def test_an_act_that_is_denied_or_not_answered_raises(placet: Placet, person: Person, during: During) -> None:
    asked = during(placet.approve, PAY)
    person.choose("reject", comment="Too much")
    with pytest.raises(NotApproved, match="Too much"):
        asked.result()
    with pytest.raises(NotApproved, match="Nobody answered in time"):
        placet.approve(PAY, expires_in=1)
    with pytest.raises(NotApproved, match="Not answered yet") as pending:
        placet.approve(PAY, timeout=0)
    placet.cancel(pending.value.answer.id)


def test_a_receipt_of_another_act_or_another_signer_is_refused(
    placet: Placet, person: Person, during: During
) -> None:
    asked = during(placet.ask, "May I pay?", action=PAY)
    person.choose("approve")
    answer: Answer = asked.result()
    assert answer.receipt and answer.action
    assert placet.verify(answer.receipt, answer.action)["effect"] == "allow"
    more = Action("pay", {"amount": 82001, "to": "Ada"})
    head, body, signature = answer.receipt.split(".")
    forged = f"{head}.{body}.{signature[::-1]}"
    for receipt, action in ((answer.receipt, more), (forged, PAY), ("no.receipt", PAY)):
        with pytest.raises(InvalidReceipt):
            placet.verify(receipt, action)
    with pytest.raises(InvalidReceipt):
        placet.consume(answer, more)
    assert placet.consume(answer).args == PAY.args


def test_after_a_crash_the_same_key_meets_the_same_question(placet: Placet, person: Person, during: During) -> None:
    key = f"invoice-17 {uuid.uuid4()}"
    before = placet.ask("May I pay?", action=PAY, key=key, timeout=0)
    with Placet() as restarted:
        asked = during(restarted.ask, "May I pay?", action=PAY, key=key)
        person.choose("approve")
        assert asked.result().id == before.id
    approval = placet.approve(PAY, "May I pay?", key=key)
    assert approval.id == before.id
    with pytest.raises(AlreadyConsumed):
        placet.approve(PAY, "May I pay?", key=key)
    with pytest.raises(Conflict):
        placet.ask("May I pay more?", action=PAY, key=key)


def test_what_does_not_exist_and_a_wrong_key_end_a_wait(placet: Placet) -> None:
    for unknown in ("msg_unknown", placet.ask("gone?", timeout=0).id):
        if unknown != "msg_unknown":
            placet.cancel(unknown)
            unknown += "0"
        with pytest.raises(NotFound):
            placet.wait(unknown)
    with pytest.raises(ValueError, match="not the id"):
        placet.wait("a,b")
    with Placet(api_key="hp_wrong") as stranger, pytest.raises(PlacetError) as refused:
        stranger.wait("msg_unknown")
    assert refused.value.status == 401


def test_digests_are_those_of_rfc_8785() -> None:
    one = digest(Action("x", {"b": [1, 2.5, True, None], "a": "é"}))
    assert one == digest(Action("x", {"a": "é", "b": [1.0, 2.5, True, None]}))
    assert one != digest(Action("x", {"a": "é", "b": [1, 2.5, 1, None]}))
    # What the service accepts and refuses (shared/action/src/exact.rs).
    for number in (0, 2**53, 2**53 + 2, 2**64, 10**18 + 128, 10**21, 123456789012345680000, -(2**53)):
        assert digest(Action("x", {"a": number})) == digest(Action("x", {"a": float(number)}))
    for value in (2**53 + 1, -(2**53) - 1, 2**64 - 1, 10**20 + 1, 10**400, 10**5000, float("nan")):
        with pytest.raises(NotExact) as refused:
            digest(Action("x", {"a": value}))
        assert isinstance(refused.value, PlacetError) and isinstance(refused.value, ValueError)


def test_an_integer_that_is_written_as_its_double_is_approved(
    placet: Placet, person: Person, during: During
) -> None:
    wei = {"wei": 123456789012345680000}
    asked = during(placet.approve, Action("transfer", wei))
    person.choose("approve")
    assert asked.result().args == wei
    with pytest.raises(PlacetError) as refused:
        placet.approve(Action("transfer", {"wei": 10**20 + 1}))
    assert refused.value.status == 400


def test_the_decorator_asks_about_name_and_arguments(placet: Placet, person: Person, during: During) -> None:
    paid: list[tuple[int, str, dict[str, Any]]] = []

    class Bank:
        @needs_approval(placet, risk="high", editable=["/amount"])
        def pay(self, amount: int, /, to: str = "Ada", **details: Any) -> str:
            """Pays somebody."""
            paid.append((amount, to, details))
            return f"paid {amount}"

    details = {"tags": ["a"]}
    calling = during(Bank().pay, 82000, note=details)
    asked = person.asked()
    details["tags"].append("changed meanwhile")
    expected = {"amount": 82000, "to": "Ada", "note": {"tags": ["a"]}}
    assert (asked["review"]["action"]["name"], asked["review"]["action"]["args"]) == ("pay", expected)
    assert asked["text"] == "Pays somebody."
    person.respond(asked, selectedOption="approve", editedArgs={**expected, "amount": 1})
    assert calling.result() == "paid 1"
    assert paid == [(1, "Ada", {"note": {"tags": ["a"]}})]

    calling = during(Bank().pay, 5)
    person.choose("reject")
    with pytest.raises(NotApproved):
        calling.result()
    assert len(paid) == 1


def test_the_decorator_refuses_what_it_cannot_show(placet: Placet) -> None:
    def anything(*args: int) -> None: ...

    async def later(amount: int) -> None: ...

    with pytest.raises(TypeError, match="no names"):
        needs_approval(placet)(anything)
    with pytest.raises(TypeError, match="AsyncPlacet"):
        needs_approval(placet)(later)
    with pytest.raises(TypeError):
        needs_approval(placet)(json.dumps)(object())


def test_an_async_function_needs_approval_too(person: Person, during: During) -> None:
    run = uuid.uuid4()

    async def main() -> str:
        async with AsyncPlacet() as placet:

            @needs_approval(placet, key=lambda args: f"{run} {args['who']}")
            async def greet(who: str) -> str:
                return f"Hello {who}"

            return await greet("Ada")

    greeting = during(asyncio.run, main())
    person.choose("approve")
    assert greeting.result() == "Hello Ada"


def test_a_closed_client_ends_its_waits(during: During) -> None:
    placet = Placet()
    id = placet.ask("May I?", timeout=0).id
    waiting = during(placet.wait, id)
    waiting_shared = during(placet.wait, id)
    placet.close()
    for wait in (waiting, waiting_shared):
        with pytest.raises(PlacetError):
            wait.result()
    with Placet() as other:
        other.cancel(id)


def test_a_forked_process_has_a_connection_of_its_own(placet: Placet) -> None:
    id = placet.ask("May I?", timeout=0).id
    child = os.fork()
    if child == 0:
        os._exit(0 if placet.cancel(id, "by the child").status == "cancelled" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert placet.wait(id).reason == "by the child"
