// Fetches the page again and takes over what changed. Of the inbox only the rows are fetched, and of the open request
// what can still change.
import { byId } from "./dom.js";
import { notifyRequest } from "./notifications.js";
import { updateRows } from "./review-rows.js";
import { fetchPage, replaceChanged, replacementCount } from "./swap.js";
import { sleep } from "./timing.js";

// How long the refresh after an answer waits for the next request to be opened, which brings the rows along.
const WAIT_FOR_NEXT = 3_000;
let pending = pendingCount(document);
let next = null; // fulfilled with true once the next request is open, or with false when the wait is over
let endWait = () => {};

// One at a time: of two responses that cross on their way, the older must not be taken last.
let queue = Promise.resolve();

// Returns whether anything differed; throws when the page cannot be fetched.
export function refresh() {
  const turn = queue.then(async () => ((await next) ? true : refreshFrom(location.href)));
  queue = turn.catch(() => {});
  return turn;
}

// After an answer, the list is refreshed together with the next request if that is opened soon.
export function refreshWithNext() {
  next = Promise.race([new Promise((done) => (endWait = done)), sleep(WAIT_FOR_NEXT).then(() => false)]);
  const mine = next;
  refresh().catch(() => {});
  mine.then(() => next === mine && (next = null));
}

// Whether a refresh waits for the next request, whose page then has to have the rows.
export const isRefreshDue = () => next !== null;

// Takes over the rows and the count of a page that was fetched with the next request.
export function takeRows(page) {
  const changed = updateRows(page);
  takeCount(page);
  endWait(true);
  return changed;
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
  document.title = page.title;
  takeCount(page);
  return changed;
}

// A request that is decided does not change any more.
function wantedParts() {
  if (!byId("rows")) return "";
  return byId("answer") && !document.querySelector("#answer .outcome") ? "rows,pane" : "rows";
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
