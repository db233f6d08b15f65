// Undo, for those who turn it on in their settings: an answer is held back for some seconds and can be taken back. A
// change of what is filled in takes it back, too, because the change would not be part of it. It is sent at once when the
// page is hidden or left, when little time is left, when it is large, and when the act is of high risk. While it is held
// back the page says so; it says "sent" only once the answer is stored.
import { byId, create } from "./dom.js";
import { announce } from "./announce.js";
import { sleep } from "./timing.js";

const KEY = "placet:undo";
const SECONDS = 5;
const MIN_LEFT = 60_000;
const MAX_BYTES = 32 * 1024;
const setting = byId("undo-setting");

function isHeld(form, body) {
  if (localStorage.getItem(KEY) !== "true" || "highRisk" in form.dataset || document.hidden) return false;
  const left = form.dataset.due ? new Date(form.dataset.due) - Date.now() : Infinity;
  return left >= MIN_LEFT && new TextEncoder().encode(body).length <= MAX_BYTES;
}

// Fulfilled with "send", with "leave" if the page is being hidden, or with "undo" or "edit" if it is taken back.
export async function holdBack(form, body) {
  if (!isHeld(form, body.toString())) return "send";
  const bar = create("div", { className: "undo-bar", id: "undo" });
  const state = create("p", { className: "meta" }, { role: "status" });
  const button = create("button", { type: "button", text: "Undo" });
  bar.append(state, button);
  form.querySelector(".decision-bar").append(bar);
  const ended = new AbortController();
  const decision = await Promise.race([
    new Promise((done) => button.addEventListener("click", () => done("undo"), { once: true })),
    edited(form, ended.signal),
    left(form, ended.signal),
    countDown(state, ended.signal),
  ]);
  ended.abort();
  bar.remove();
  if (decision === "undo") announce("Not sent.");
  return decision;
}

// Something that belongs to the form is changed, in the card of its act, too.
function edited(form, signal) {
  return new Promise((done) => {
    document.addEventListener("input", ({ target }) => target.form === form && done("edit"), { signal });
  });
}

// The page is hidden, or another request takes the place of this one.
function left(form, signal) {
  return new Promise((done) => {
    const leave = () => done("leave");
    addEventListener("pagehide", leave, { signal });
    document.addEventListener("visibilitychange", () => document.hidden && leave(), { signal });
    document.addEventListener("placet:content", () => form.isConnected || leave(), { signal });
  });
}

async function countDown(state, signal) {
  for (let seconds = SECONDS; seconds > 0 && !signal.aborted; seconds -= 1) {
    state.textContent = `Sending in ${seconds} s`;
    await sleep(1_000);
  }
  return "send";
}

if (setting) {
  setting.checked = localStorage.getItem(KEY) === "true";
  setting.addEventListener("change", () => localStorage.setItem(KEY, String(setting.checked)));
  setting.closest("[hidden]").hidden = false;
}
