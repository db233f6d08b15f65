// Fetches the page again and takes over what changed. Of the inbox only the rows are fetched, and of the open request
// what can still change.
import { byId } from "./dom.js";
import { notifyRequest } from "./notifications.js";
import { updateRows } from "./review-rows.js";
import { fetchPage, replaceChanged, replacementCount } from "./swap.js";
import { sleep } from "./timing.js";

// What this page does itself (an answer, a request that is opened) is announced as a change, too. The refresh for it waits
// until there was no such action for a while, so that quick work causes few of them.
const OWN_PAUSE = 3_000;
const MAX_PAUSE = 10_000;
let pending = pendingCount(document);
let lastAction = -Infinity;
let actions = 0; // that run
let shown = 0; // the number of the last change that a fetched page surely shows
let waiting = null; // the refresh that was asked for and has not fetched anything yet

// One at a time: of two responses that cross on their way, the older must not be taken last.
let queue = Promise.resolve();

// Runs an action of this page.
export async function ownAction(action) {
  actions += 1;
  try {
    return await action();
  } finally {
    actions -= 1;
    lastAction = performance.now();
  }
}

// Returns whether anything differed; throws when the page cannot be fetched.
export function refresh() {
  waiting ??= startRefresh();
  return waiting;
}

function startRefresh() {
  const turn = queue.then(async () => {
    const isOwn = await waitForQuiet();
    waiting = null; // a later change needs a fetch of its own
    const changed = await refreshFrom(location.href);
    return changed || isOwn;
  });
  queue = turn.catch(() => {});
  return turn;
}

// Returns whether it had to wait.
async function waitForQuiet() {
  const began = performance.now();
  for (;;) {
    const quietAt = (actions > 0 ? performance.now() : lastAction) + OWN_PAUSE;
    const left = Math.min(quietAt, began + MAX_PAUSE) - performance.now();
    if (left <= 0) return performance.now() - began > 1;
    await sleep(left);
  }
}

// The number of the last change that this page shows since a refresh.
export const shownChange = () => shown;

// Takes over the rows and the count of a page that was fetched otherwise.
export function takeRows(page) {
  updateRows(page);
  takeCount(page);
}

async function refreshFrom(path) {
  const [before, here] = [replacementCount(), location.href];
  const { response, page, isSignedOut } = await fetchPage(path, { parts: wantedParts() });
  if (isSignedOut) {
    location.reload();
    return true;
  }
  if (response.status === 404 && location.href === here) return gone();
  if (!response.ok) throw new Error(response.status);
  // Something newer is shown by now.
  if (replacementCount() !== before || location.href !== here) return refreshFrom(location.href);
  const changed = [replaceChanged(page), updateRows(page)].includes(true);
  if (!("changing" in page.body.dataset)) shown = Math.max(shown, Number(page.body.dataset.changes ?? 0));
  document.title = page.title;
  takeCount(page);
  return changed;
}

// The text of a request changes only while it is written. What is decided does not change, unless it is an act, whose use
// is shown.
function wantedParts() {
  if (!byId("rows")) return "";
  if (!byId("answer") || (document.querySelector("#answer .outcome") && !byId("act"))) return "rows";
  return document.querySelector("#asked .writing") ? "rows,pane" : "rows,answer";
}

function takeCount(page) {
  const [was, now] = [pending, pendingCount(page)];
  pending = now;
  if (now > was) notifyRequest(page);
}

// What the page was about is not there any more. A script that keeps the page cancels the event; then only
// the list is refreshed.
async function gone() {
  const isKept = !document.dispatchEvent(new CustomEvent("placet:gone", { cancelable: true }));
  if (isKept) return byId("rows") !== null && refreshFrom(`/${location.search}`);
  location.replace(`/${location.search}`);
  return true;
}

function pendingCount(root) {
  return Number(root.getElementById("pending")?.dataset.count ?? 0);
}
