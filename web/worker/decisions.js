// Decisions by the buttons of a notification. What is shown in the end is what is stored. A decision that cannot be sent
// is kept, and sent when the connection is back. Nothing is said to be stored or not stored that is not known.
import { showOutcome } from "./notices.js";

const KEPT = "placet-decisions";
const SYNC = "placet-decisions";
// Why a decision waits.
const NO_CONNECTION = "No connection.";
const BUSY = "The service is busy.";
const SIGNED_OUT = "You are signed out.";

export async function decide(message, option) {
  const decision = { message, option };
  const trouble = await send(decision);
  if (trouble) await wait([{ decision, trouble }]);
}

// Sends the decisions that could not be sent before.
export async function sendKept() {
  await wait(await sendAll());
}

// The browser repeats an event whose work failed, each time after a longer pause. Registering during the event would
// repeat it at once, so what still waits is only reported as a failure.
async function sendInSync({ lastChance }) {
  const waiting = await sendAll();
  if (waiting.length === 0) return;
  if (lastChance) for (const it of waiting) await showWaiting(it, false);
  throw new Error(`${waiting.length} decisions wait`);
}

// Sends what is kept; returns what still waits, and why.
async function sendAll() {
  const cache = await caches.open(KEPT);
  const waiting = [];
  for (const request of await cache.keys()) {
    const kept = await cache.match(request);
    if (!kept) continue;
    const decision = await kept.json();
    const trouble = await send(decision);
    if (trouble) waiting.push({ decision, trouble });
  }
  return waiting;
}

const pathOf = ({ message }) => `/api/messages/${message.messageId}`;
const labelOf = ({ message, option }) => message.actions.find(({ action }) => action === option)?.title ?? option;

async function keep(decision) {
  const cache = await caches.open(KEPT);
  await cache.put(pathOf(decision), new Response(JSON.stringify(decision)));
}

async function forget(decision) {
  const cache = await caches.open(KEPT);
  await cache.delete(pathOf(decision));
}

// Sends a decision once. Returns why it waits; nothing once its end is known and shown.
async function send(decision) {
  // From here on it may be stored, even if this worker ends before the response.
  await keep({ ...decision, mayBeStored: true });
  const answer = await respond(decision).catch(() => null);
  if (!answer) return NO_CONNECTION;
  if (answer.status >= 500) return BUSY;
  if (answer.status === 429) {
    await keep(decision); // it was turned away
    return BUSY;
  }
  if (answer.ok) return end(decision, outcomeOf(await answer.json(), decision));
  if (answer.status === 401) return end(decision, signedOut(decision));
  if (decision.mayBeStored || answer.status === 403 || answer.status === 404) return look(decision);
  return end(decision, NEEDS_PAGE);
}

const NEEDS_PAGE = "Not answered: this request needs its page. Press to open it.";

function signedOut(decision) {
  if (!decision.mayBeStored) return "Not answered: you are signed out. Press to sign in and answer.";
  return `We can't tell whether “${labelOf(decision)}” was stored: you are signed out. Press to sign in and look.`;
}

function respond({ message, option }) {
  return fetch(`/api/messages/${message.messageId}/respond`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ response: { selectedOption: option } }),
  });
}

async function end(decision, words) {
  await forget(decision);
  await showOutcome(decision.message, words);
}

// Somebody was first, or an earlier attempt of this decision arrived although its response did not.
async function look(decision) {
  const answer = await fetch(pathOf(decision)).catch(() => null);
  if (!answer) return NO_CONNECTION;
  if (answer.status === 404) return end(decision, gone(decision));
  if (answer.status === 401) return SIGNED_OUT;
  if (!answer.ok) return BUSY;
  const stored = await answer.json();
  if (stored.review.status === "pending") return end(decision, NEEDS_PAGE);
  const isOwn = String(stored.review.response?.selectedOption) === decision.option;
  const outcome = outcomeOf(stored, decision);
  return end(decision, isOwn ? outcome : `Your answer came too late. ${outcome}`);
}

function gone(decision) {
  if (!decision.mayBeStored) return "Not answered: this request is not there any more.";
  return `This request is not there any more. We can't tell whether “${labelOf(decision)}” was stored before.`;
}

function outcomeOf({ review }, { message }) {
  return `${outcomeWords(review, message.actions)}: ${message.body}`;
}

function outcomeWords(review, actions) {
  if (review.status === "expired") return "Expired";
  if (review.status === "cancelled") return "Withdrawn";
  const chosen = String(review.response?.selectedOption);
  const label = actions.find(({ action }) => action === chosen)?.title ?? optionOf(review, chosen);
  return label ? `Answered “${label}”` : "Answered";
}

function optionOf(review, chosen) {
  const options = review.payload?.options ?? [];
  return options.find((option) => String(option.id ?? option) === chosen)?.label;
}

// Without background sync, and in browsers that refuse it while no page is open, what waits is sent when a page is opened
// or the next message arrives.
async function wait(waiting) {
  if (waiting.length === 0) return;
  const isScheduled = await schedule();
  for (const it of waiting) await showWaiting(it, isScheduled);
}

async function schedule() {
  try {
    await self.registration.sync.register(SYNC);
    return true;
  } catch {
    return false;
  }
}

function showWaiting({ decision, trouble }, isScheduled) {
  const later = trouble === NO_CONNECTION ? "when the connection is back" : "later";
  const then = isScheduled ? `is kept on this device and sent ${later}.` : "is kept on this device: open Placet to send it.";
  return showOutcome(decision.message, `${trouble} “${labelOf(decision)}” ${then}`);
}

self.addEventListener("sync", (event) => event.tag === SYNC && event.waitUntil(sendInSync(event)));
self.addEventListener("message", (event) => event.data === "online" && event.waitUntil(sendKept()));
self.addEventListener("activate", (event) => event.waitUntil(sendKept()));
