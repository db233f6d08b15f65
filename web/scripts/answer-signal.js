// Tells the service that somebody is about to answer the review on the page: the waiting agent then hears of the
// answer sooner. Opening it alone sends nothing, so that a quick decision takes few requests. Using the form counts at
// most every two seconds, and using the page at most every fifteen.
import { isAttended, onReturn } from "./attention.js";
import { byId } from "./dom.js";
import { reviewId } from "./swap.js";
import { abortAfter } from "./timing.js";

const FORM_PAUSE = 2_000;
const PAGE_PAUSE = 15_000;
const USES = ["pointerover", "pointerdown", "focusin", "input", "keydown", "wheel"];

let lastReview = "";
let lastSignal = 0;

function signal(pause) {
  const review = reviewId(document);
  const isRecent = review === lastReview && Date.now() - lastSignal < pause;
  if (!byId("answer-form") || !isAttended() || isRecent) return;
  [lastReview, lastSignal] = [review, Date.now()];
  const path = `/api/messages/${encodeURIComponent(review)}/viewing`;
  fetch(path, { method: "POST", signal: abortAfter(5_000) }).catch(() => {});
}

function noteUse({ type, target }) {
  const isForm = target instanceof Element && target.closest("#answer-form") !== null;
  // The title of a request gets the focus when it is opened.
  if (isForm || type !== "focusin") signal(isForm ? FORM_PAUSE : PAGE_PAUSE);
}

for (const use of USES) document.addEventListener(use, noteUse, { capture: true, passive: true });
onReturn(() => signal(PAGE_PAUSE));
