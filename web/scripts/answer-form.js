// Sends an answer and makes sure that it counted: when the connection breaks, it asks for the review until the
// outcome is known, and what was typed stays until then.
import { announce } from "./announce.js";
import { removeDraft, restoreDraft, saveDraft, showUnsent } from "./answer-draft.js";
import { showSending } from "./decision-bar.js";
import { byId, create } from "./dom.js";
import { showFeedback } from "./field-feedback.js";
import { validateForm } from "./field-validation.js";
import { ownAction, refresh } from "./refresh.js";
import { removeRow } from "./review-rows.js";
import { renewed } from "./session.js";
import { freezeFields } from "./freeze-fields.js";
import { fetchPage, onContent, replaceChanged, replaceElement, reviewId } from "./swap.js";
import { sleep } from "./timing.js";
import { toast } from "./toast.js";
import { holdBack } from "./undo-answer.js";

const SEND_TIMEOUT = 20_000;
const CHECK_TIMEOUT = 10_000;
// A review that is read as pending this many times was not answered: before, the answer may be on its way.
const CHECKS = 3;
const SENTENCES = {
  lost: "The connection was lost. Checking whether your answer was stored…",
  offline: "Offline. We can't tell yet if your answer was received; still checking. Your text is safe.",
  edited: "Not sent, because you changed your answer. Send it again.",
  notStored: "Your answer did not arrive and was not stored. Your text is safe: send it again.",
  signedOut: "You are signed out, so this was not stored. Sign in in another tab, then send it again. Your text is safe.",
  withdrawn: "The agent withdrew this request, so your answer was not stored. Your text stays here.",
  // Of an answer that may have been stored before.
  signedOutUnknown:
    "You are signed out, so we can't tell whether your answer was stored. Sign in in another tab, then open this request again. Your text is safe.",
  goneUnknown: "This request is not there any more, so we can't tell whether your answer was stored. Your text stays here.",
};

async function send(form, button) {
  const body = new URLSearchParams(new FormData(form));
  if (button?.name) body.set(button.name, button.value);
  saveDraft(form);
  showTrouble(form, "");
  form.ariaBusy = "true";
  button?.classList.add("held");
  const decision = await holdBack(form, body);
  button?.classList.remove("held");
  if (decision === "undo" || decision === "edit") {
    form.ariaBusy = "false";
    if (decision === "edit") showTrouble(form, SENTENCES.edited);
    return;
  }
  form.classList.add("sending");
  const showUnpressed = showSending(button);
  const unfreeze = freezeFields(form);
  try {
    showResult(form, await ownAction(() => sendOrCheck(form, body, decision === "leave")));
  } finally {
    form.ariaBusy = "false";
    form.classList.remove("sending");
    showUnpressed();
    unfreeze();
  }
}

// The page that answers the form (`isKnown`: it tells what became of this answer), or the review's page once it is decided.
async function sendOrCheck(form, body, keepalive) {
  try {
    if (!keepalive) await renewed;
    return { ...(await post(form, body, keepalive)), isKnown: true };
  } catch {
    // The answer may or may not have arrived: only the server knows.
    showTrouble(form, SENTENCES.lost);
    const fetched = await awaitOutcome(form);
    // Of a decided review, the answer to the same form says whether this is the answer that is stored.
    const repeated = isDecided(fetched.page) && (await post(form, body, false).catch(() => null));
    if (repeated && isDecided(repeated.page)) return { ...repeated, isKnown: true };
    return { ...fetched, isKnown: false };
  }
}

async function post(form, body, keepalive) {
  const fetched = await fetchPage(form.action, { method: "POST", body, keepalive, timeout: SEND_TIMEOUT, parts: "answer" });
  if (fetched.response.status >= 500) throw new Error(fetched.response.status); // it may have been stored
  return fetched;
}

async function awaitOutcome(form) {
  let pending = 0;
  for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
    await sleep(pause);
    const fetched = await fetchPage(form.getAttribute("action"), { timeout: CHECK_TIMEOUT, parts: "answer" }).catch(() => null);
    if (fetched && (fetched.response.status === 404 || fetched.isSignedOut)) return fetched;
    if (fetched?.response.ok) {
      pending += 1;
      if (isDecided(fetched.page) || pending === CHECKS) return fetched;
      continue;
    }
    showTrouble(form, SENTENCES.offline);
  }
}

function showResult(form, { response, page, isSignedOut, isKnown }) {
  if (isSignedOut) showFailure(form, isKnown ? SENTENCES.signedOut : SENTENCES.signedOutUnknown);
  else if (isDecided(page)) showDecided(form, page, isKnown);
  else if (response.status === 404) showFailure(form, isKnown ? SENTENCES.withdrawn : SENTENCES.goneUnknown);
  else if (!isKnown) showFailure(form, SENTENCES.notStored);
  else if (response.status === 400) showRefused(page);
  else showFailure(form, page.querySelector(".problem")?.textContent || "It was not stored. Send it again.");
}

const isDecided = (page) => page.querySelector("#answer .outcome") !== null;

function showDecided(form, page, isKnown) {
  const isTooLate = page.querySelector("[data-too-late]") !== null;
  // Of an answer that was not stored, because the review had ended, the text is shown below the outcome.
  if (isKnown && !isTooLate) removeDraft(form);
  removeRow(reviewId(page));
  if (!replaceAnswer(page)) {
    const outcome = page.getElementById("outcome-title").textContent.trim();
    if (!isKnown) toast(`We can't tell whether your previous answer was stored. Its request: ${outcome}.`, "warning");
    else if (isTooLate) toast(`Your previous answer came too late and was not stored: ${outcome}.`, "error");
    else toast("Your previous answer was sent.", "success");
    refresh().catch(() => {});
    return;
  }
  replaceChanged(page);
  announce(byId("outcome-title").textContent.trim());
  document.querySelector("#answer .outcome").scrollIntoView({ block: "nearest" });
  byId("go-on")?.focus({ preventScroll: true });
  refresh().catch(() => {});
}

// What is wrong with the answer is shown where it was typed.
function showRefused(page) {
  if (!replaceAnswer(page)) {
    toast("An answer was not stored: open its request again, what you typed is still there.", "error");
    return;
  }
  const problem = document.querySelector("#answer .problem:not([hidden])");
  problem.tabIndex = -1;
  problem.focus();
}

// Shows the answer part of a page, if it is of the review that is open.
function replaceAnswer(page) {
  const next = page.getElementById("answer");
  if (!next || reviewId(page) !== reviewId(document)) return false;
  replaceElement(byId("answer"), next);
  return true;
}

// Says in the form why its answer is not stored, or in a toast if another request is open by now.
function showFailure(form, sentence) {
  if (form.isConnected) showTrouble(form, sentence);
  else toast(`An earlier request: ${sentence}`, "error");
}

function showTrouble(form, sentence) {
  const trouble = form.querySelector("[data-trouble]");
  trouble.textContent = sentence;
  trouble.hidden = sentence === "";
  if (sentence) trouble.scrollIntoView({ block: "nearest" });
}

// With a plugin that answers, the form is folded, for when the plugin cannot.
function foldWithPlugin(form) {
  if (form.parentElement.matches("details")) return;
  if (!("withPlugin" in form.dataset) || !document.querySelector("[data-plugin-card]:not([data-missing])")) return;
  const fold = create("details");
  form.before(fold);
  fold.append(create("summary", { text: "Answer without the plugin" }), form);
}

onContent((root) => {
  for (const form of root.querySelectorAll("[data-answer]")) {
    restoreDraft(form);
    showFeedback(form);
    validateForm(form);
    foldWithPlugin(form);
  }
  const outcome = root.id === "answer" && root.querySelector(".outcome");
  if (outcome) showUnsent(reviewId(document), outcome);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches?.("[data-answer]")) return;
  event.preventDefault();
  if (form.ariaBusy !== "true") send(form, event.submitter);
});
document.addEventListener("input", ({ target }) => {
  const form = target.closest("[data-answer]");
  if (form) saveDraft(form);
});
// A plugin that is not installed leaves its message to the form.
document.addEventListener("placet:missing", () => {
  for (const fold of document.querySelectorAll("details:has(> [data-with-plugin])")) fold.open = true;
});
