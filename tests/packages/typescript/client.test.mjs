// Asking, approving and consuming.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { AlreadyConsumed, Conflict, digest, InvalidReceipt, needsApproval, NotApproved, NotFound, Placet, Unavailable } from "placet-serverless";
import { asked, choose, pending, respond } from "./person.mjs";

const placet = new Placet();
const pay = { name: "pay", args: { amount: 82000, to: "Ada" }, editable: ["/amount"], risk: "high" };

// Each test answers what it asks.
afterEach(async () => assert.deepEqual(await pending(), []));

test("an answer allows only if it is an approval", async () => {
  for (const [option, allowed] of [["approve", true], ["reject", false]]) {
    const answer = placet.ask("May I?");
    await choose(option, { comment: "because" });
    const { status, comment, ...rest } = await answer;
    assert.deepEqual([rest.allowed, status, comment], [allowed, "completed", "because"]);
  }
});

test("the effect of an option decides", async () => {
  const options = [{ id: "go", label: "Go", effect: "allow" }, { id: "approve", label: "Not yet", effect: "deny" }];
  for (const [option, allowed] of [["go", true], ["approve", false]]) {
    const answer = placet.ask("May I?", { options });
    await choose(option);
    assert.equal((await answer).allowed, allowed);
  }
});

test("other types return their response", async () => {
  const answer = placet.ask("Your name?", { type: "text-input" });
  await respond((await asked()).id, { text: "Ada" });
  assert.deepEqual((await answer).response, { text: "Ada" });
});

test("a cancelled and an expired question allow nothing", async () => {
  const { id, status, allowed } = await placet.ask("May I?", { timeoutMs: 0 });
  assert.deepEqual([status, allowed], ["pending", false]);
  const aborted = placet.wait(id, { signal: AbortSignal.timeout(50) });
  await assert.rejects(aborted, { name: "TimeoutError" });
  const cancelled = await placet.cancel(id, "no longer needed");
  assert.deepEqual([cancelled.status, cancelled.allowed, cancelled.reason], ["cancelled", false, "no longer needed"]);
  assert.deepEqual(await placet.wait(id), cancelled);
  const expired = await placet.ask("May I?", { expiresInSeconds: 1 });
  assert.deepEqual([expired.status, expired.allowed, expired.reason], ["expired", false, "Nobody answered in time."]);
});

test("a wait may be longer than a timer", async () => {
  for (const timeoutMs of [2 ** 31, Infinity]) {
    const asking = placet.ask("May I?", { timeoutMs });
    await choose("approve");
    assert.equal((await asking).status, "completed");
  }
  const { id } = await placet.ask("May I?", { timeoutMs: 0 });
  const waiting = placet.wait(id, { timeoutMs: Infinity, signal: AbortSignal.timeout(50) });
  await assert.rejects(waiting, { name: "TimeoutError" });
  await placet.cancel(id);
});

test("a person with no time is not asked", async () => {
  await assert.rejects(placet.ask("May I?", { expiresInSeconds: 0 }), { name: "PlacetError", status: 400 });
});

test("an approval is edited, verified and consumed", async () => {
  const approving = placet.approve(pay);
  const message = await choose("approve", { editedArgs: { amount: 80000, to: "Ada" } });
  assert.equal(message.review.actionDigest, await digest(pay));
  const { id, name, args, claims } = await approving;
  assert.deepEqual([name, args, claims.sub], ["pay", { amount: 80000, to: "Ada" }, id]);
  await assert.rejects(placet.consume(await placet.wait(id)), AlreadyConsumed);
});

test("an act that is denied or not answered throws", async () => {
  const denied = assert.rejects(placet.approve(pay), { name: "NotApproved", message: "Too much" });
  await choose("reject", { comment: "Too much" });
  await denied;
  await assert.rejects(placet.approve(pay, { expiresInSeconds: 1 }), NotApproved);
});

test("a receipt of another act or another signer is refused", async () => {
  const asking = placet.ask("May I pay?", { action: pay });
  await choose("approve");
  const answer = await asking;
  assert.equal((await placet.verify(answer.receipt, answer.action)).effect, "allow");
  const [head, body, signature] = answer.receipt.split(".");
  const forged = `${head}.${body}.${[...signature].reverse().join("")}`;
  const more = { name: "pay", args: { amount: 82001, to: "Ada" } };
  for (const [receipt, action] of [[answer.receipt, more], [forged, pay], ["no.receipt", pay], [`${answer.receipt}.x`, pay]]) {
    await assert.rejects(placet.verify(receipt, action), InvalidReceipt);
  }
  await assert.rejects(placet.consume(answer, more), InvalidReceipt);
  assert.deepEqual((await placet.consume(answer)).args, pay.args);
});

test("after a crash the same key meets the same question", async () => {
  const key = `invoice-17 ${crypto.randomUUID()}`;
  const before = await placet.ask("May I pay?", { action: pay, key, timeoutMs: 0 });
  const asking = new Placet().ask("May I pay?", { action: pay, key });
  await choose("approve");
  assert.equal((await asking).id, before.id);
  assert.equal((await placet.approve(pay, { text: "May I pay?", key })).id, before.id);
  await assert.rejects(placet.approve(pay, { text: "May I pay?", key }), AlreadyConsumed);
  await assert.rejects(placet.ask("May I pay more?", { action: pay, key }), Conflict);
});

test("what does not exist and a wrong key end a wait", async () => {
  await assert.rejects(placet.wait("msg_unknown"), NotFound);
  await assert.rejects(placet.wait("a,b"), TypeError);
  await assert.rejects(new Placet({ apiKey: "hp_wrong" }).wait("msg_unknown"), { name: "PlacetError", status: 401 });
});

test("a service that is down allows nothing", { timeout: 20_000 }, async () => {
  const down = new Placet({ url: "http://127.0.0.1:9", apiKey: "hp_x", channel: "agt_x" });
  await assert.rejects(down.approve(pay), Unavailable);
});

test("digests are those of RFC 8785", async () => {
  // Made with the Python package rfc8785.
  const expected = "sha256:f534761cb0cd72d0c7ca5a802c563a12dec9ab0d0ec6da365b31db02e94ab59a";
  assert.equal(await digest({ name: "x", args: { b: [1, 2.5, true, null], a: "é", "\u{1F600}": 1e21, "\uFB33": -0 } }), expected);
  await assert.rejects(digest({ name: "x", args: { a: NaN } }), TypeError);
});

test("a function that needs approval gets the approved arguments", async () => {
  const payments = [];
  const guarded = needsApproval(placet, "pay", (payment) => payments.push(payment), { editable: ["/amount"], risk: "high" });
  const payment = { amount: 5, to: "Ada" };
  const calling = guarded(payment);
  const message = await asked();
  payment.to = "Eve";
  assert.deepEqual(message.review.action.args, { amount: 5, to: "Ada" });
  await respond(message.id, { selectedOption: "approve", editedArgs: { amount: 4, to: "Ada" } });
  assert.equal(await calling, 1);
  const denied = assert.rejects(guarded(payment), NotApproved);
  await choose("reject");
  await denied;
  assert.deepEqual(payments, [{ amount: 4, to: "Ada" }]);
});
