// Keeps the page up to date: it holds one bounded request for the next change (`GET /api/changes`), and
// refreshes the page after each.
import { byId } from "./dom.js";
import { mayNotify } from "./notifications.js";
import { refresh } from "./refresh.js";
import { renewed } from "./session.js";
import { abortAfter, sleep } from "./timing.js";

const WAIT = 29_000;
const INDEX_LAG = 1_500; // an index may lag a moment behind the change that was announced
const HIDDEN_INTERVAL = 30_000; // how often a hidden page checks when it may not notify
const MAX_RETRY_PAUSE = 30_000;

let since = document.body.dataset.changes;
let request = new AbortController();
let showPage = null; // ends the pause of a hidden page
let isWoken = false; // the last request was given up because the page came back to sight

async function watchChanges() {
  for (let failures = 0; ; ) {
    try {
      const response = await nextChange();
      if (response.status === 401) {
        location.reload();
        return;
      }
      if (!response.ok) throw new Error(response.status);
      const { sequence } = await response.json();
      if (failures > 0) await refresh();
      failures = 0;
      showOffline(false);
      if (String(sequence) === since) continue;
      since = String(sequence);
      if (!(await refresh())) refreshLater();
    } catch {
      if (isWoken) {
        isWoken = false;
        continue;
      }
      failures += 1;
      if (failures > 1) showOffline(true);
      await sleep(Math.min(MAX_RETRY_PAUSE, 500 * 2 ** failures) * (0.5 + Math.random() / 2));
    }
  }
}

// A hidden page holds no connection unless it may notify: it checks now and then.
async function nextChange() {
  const isIdle = document.hidden && !mayNotify();
  if (isIdle) await Promise.race([sleep(HIDDEN_INTERVAL), new Promise((done) => (showPage = done))]);
  const timeout = isIdle ? 1 : WAIT;
  request = new AbortController();
  return fetch(`/api/changes?since=${since}&timeout=${timeout}`, { signal: abortAfter(timeout + 10_000, request) });
}

// The page is looked at again, perhaps after a night: the request from before may be dead.
function wake() {
  if (document.hidden) return;
  isWoken = true;
  request.abort();
  showPage?.();
  refresh().catch(() => {});
}

function refreshLater() {
  setTimeout(() => refresh().catch(() => {}), INDEX_LAG);
}

function showOffline(isOffline) {
  byId("offline").hidden = !isOffline;
}

addEventListener("online", wake);
document.addEventListener("visibilitychange", wake);
addEventListener("pageshow", ({ persisted }) => persisted && wake());
document.addEventListener("placet:responded", () => refresh().catch(() => {}));
renewed.then(watchChanges);
// The list that came with the page may be from before the change that the page knows of.
if (byId("rows")) refreshLater();
