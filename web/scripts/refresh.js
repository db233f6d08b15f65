// Fetches the page again and takes over what changed.
import { byId } from "./dom.js";
import { notifyRequest } from "./notifications.js";
import { fetchPage, replaceChanged, replacementCount } from "./swap.js";

let pending = pendingCount(document);

// One at a time: of two responses that cross on their way, the older must not be taken last.
let queue = Promise.resolve();

// Returns whether anything differed; throws when the page cannot be fetched.
export function refresh() {
  const turn = queue.then(() => refreshFrom(location.href));
  queue = turn.catch(() => {});
  return turn;
}

async function refreshFrom(path) {
  const [before, here] = [replacementCount(), location.href];
  const { response, page, isSignedOut } = await fetchPage(path);
  if (isSignedOut) {
    location.reload();
    return true;
  }
  if (response.status === 404 && location.href === here) return gone();
  if (!response.ok) throw new Error(response.status);
  // Something newer is shown by now.
  if (replacementCount() !== before || location.href !== here) return refreshFrom(location.href);
  const changed = replaceChanged(page);
  document.title = page.title;
  const [was, now] = [pending, pendingCount(page)];
  pending = now;
  if (now > was) notifyRequest(page);
  return changed;
}

// What the page was about is not there any more. A script that keeps the page cancels the event; then only
// the list is refreshed.
async function gone() {
  const isKept = !document.dispatchEvent(new CustomEvent("placet:gone", { cancelable: true }));
  if (isKept) return byId("rows") !== null && refreshFrom(`/${location.search}`);
  location.replace("/");
  return true;
}

function pendingCount(root) {
  return Number(root.getElementById("pending")?.dataset.count ?? 0);
}
