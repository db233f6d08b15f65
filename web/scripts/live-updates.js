// Keeps the page up to date, and refreshes it after each change (`GET /api/changes`). While somebody is in front
// of the page it holds one bounded request for the next change. A held request costs the time that it lasts, so
// an unattended page asks briefly, after pauses. So does every page of a deployment that refuses to hold more.
import { isAttended, onReturn } from "./attention.js";
import { byId } from "./dom.js";
import { mayNotify } from "./notifications.js";
import { refresh, shownChange } from "./refresh.js";
import { renewed } from "./session.js";
import { abortAfter, sleep } from "./timing.js";

const WAIT = 29_000;
const INDEX_LAG = 1_500; // an index may lag a moment behind the change that was announced
const UNATTENDED_PAUSE = 10_000;
const HIDDEN_PAUSE = 30_000; // of a hidden page that may not notify
const MAX_RETRY_PAUSE = 30_000;
const WOKEN = new Error("the request was given up because somebody came back to the page");

let since = document.body.dataset.changes;
let request = new AbortController();
let endPause = () => {};

async function watchChanges() {
  for (let failures = 0; ; ) {
    try {
      const response = await nextChange(failures === 0);
      if (response.status === 401) {
        location.reload();
        return;
      }
      if (response.status === 429) {
        await rest(UNATTENDED_PAUSE);
        continue;
      }
      if (!response.ok) throw new Error(response.status);
      const { sequence } = await response.json();
      if (failures > 0) await refresh();
      failures = 0;
      showOffline(false);
      if (String(sequence) === since) continue;
      since = String(sequence);
      if (!(await refresh())) refreshLater();
      // Changes that came before the refresh need no other one.
      if (shownChange() > sequence) since = String(shownChange());
    } catch {
      if (request.signal.reason === WOKEN) continue;
      failures += 1;
      if (failures > 1) showOffline(true);
      await sleep(Math.min(MAX_RETRY_PAUSE, 500 * 2 ** failures) * (0.5 + Math.random() / 2));
    }
  }
}

// Ends early when somebody comes back.
const rest = (pause) => Promise.race([sleep(pause), new Promise((done) => (endPause = done))]);

// After a failure the request is not held: the page may have missed a change, and says "No connection" until it is answered.
async function nextChange(mayHold) {
  if (!isAttended()) await rest(document.hidden && !mayNotify() ? HIDDEN_PAUSE : UNATTENDED_PAUSE);
  request = new AbortController();
  const [query, limit] = isAttended() && mayHold ? [`?since=${since}&timeout=${WAIT}`, WAIT] : ["", 0];
  return fetch(`/api/changes${query}`, { signal: abortAfter(limit + 10_000, request) });
}

// The request from before may be dead.
function wake() {
  if (document.hidden) return;
  request.abort(WOKEN);
  endPause();
  refresh().catch(() => {});
}

function refreshLater() {
  setTimeout(() => refresh().catch(() => {}), INDEX_LAG);
}

function showOffline(isOffline) {
  byId("offline").hidden = !isOffline;
}

addEventListener("online", wake);
onReturn(wake);
document.addEventListener("placet:responded", () => refresh().catch(() => {}));
renewed.then(watchChanges);
// The list that came with the page may be from before the change that the page knows of.
if (byId("rows") && "changing" in document.body.dataset) refreshLater();
