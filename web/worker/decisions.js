// Decisions by the buttons of a notification. What is shown in the end is what is stored. A decision that cannot be sent
// is kept, and sent when the connection is back.
import { showOutcome } from "./notices.js";

const KEPT = "placet-decisions";
const SYNC = "placet-decisions";

export async function decide(message, option) {
  await keep({ message, option });
  await send({ message, option });
}

// Sends the decisions that could not be sent before.
export async function sendKept() {
  const cache = await caches.open(KEPT);
  for (const request of await cache.keys()) {
    const kept = await cache.match(request);
    if (kept) await send(await kept.json());
  }
}

const pathOf = ({ message }) => `/api/messages/${message.messageId}`;

async function keep(decision) {
  const cache = await caches.open(KEPT);
  await cache.put(pathOf(decision), new Response(JSON.stringify(decision)));
}

async function forget(decision) {
  const cache = await caches.open(KEPT);
  await cache.delete(pathOf(decision));
}

async function send(decision) {
  const { message, option } = decision;
  let answer;
  try {
    answer = await respond(decision);
  } catch {
    return waitForConnection(decision);
  }
  if (answer.status === 429 || answer.status >= 500) return waitForConnection(decision);
  await forget(decision);
  if (answer.ok) return showOutcome(message, `${outcomeOf(await answer.json(), message)}: ${message.body}`);
  if (answer.status === 401) return showOutcome(message, "Not answered: you are signed out. Press to sign in and answer.");
  if (answer.status === 403 || answer.status === 404) return showStored(decision);
  return showOutcome(message, "Not answered: this request needs its page. Press to open it.");
}

function respond({ message, option }) {
  return fetch(`/api/messages/${message.messageId}/respond`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ response: { selectedOption: option } }),
  });
}

// Somebody was first, or an earlier attempt of this decision arrived although its response did not.
async function showStored(decision) {
  const { message, option } = decision;
  const answer = await fetch(pathOf(decision)).catch(() => null);
  if (!answer) {
    await keep(decision);
    return waitForConnection(decision);
  }
  if (!answer.ok) return showOutcome(message, "Not answered: this request is not there any more.");
  const stored = await answer.json();
  const isOwn = String(stored.review?.response?.selectedOption) === option;
  const outcome = `${outcomeOf(stored, message)}: ${message.body}`;
  return showOutcome(message, isOwn ? outcome : `Your answer came too late. ${outcome}`);
}

function outcomeOf({ review }, { actions }) {
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

async function waitForConnection({ message, option }) {
  const label = message.actions.find(({ action }) => action === option)?.title ?? option;
  await showOutcome(message, `No connection. “${label}” is kept on this device and sent when the connection is back.`);
  // Browsers without background sync send it when a page is open, or at the next message.
  await self.registration.sync?.register(SYNC).catch(() => {});
}

self.addEventListener("sync", (event) => event.tag === SYNC && event.waitUntil(sendKept()));
self.addEventListener("message", (event) => event.data === "online" && event.waitUntil(sendKept()));
self.addEventListener("activate", (event) => event.waitUntil(sendKept()));
