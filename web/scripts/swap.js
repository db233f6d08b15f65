// Fetches pages and puts parts of them into the document. No other script replaces what the server rendered.
//
//   data-live           the element is replaced as a whole (it has an id)
//   data-live-items     its children, each with an id, are added, replaced and removed one by one; their
//                       order is that of their ids
//
// Other scripts start on new content with `onContent`.
import { byId } from "./dom.js";
import { abortAfter } from "./timing.js";

const TIMEOUT = 15_000;
const LIVE = "[data-live], [data-live-items] > [id]";
const served = new Map(); // id -> the element's markup as the server sent it, to see whether it changed
let replacements = 0;

remember(document); // before any script touches them

// Fetches a page, or sends a form that answers with one.
// `parts` limits a page of the inbox to what is needed: "rows", "pane", "answer" (pages/inbox.rs).
export async function fetchPage(path, { timeout = TIMEOUT, parts = "", ...options } = {}) {
  const headers = { Accept: "text/html", ...(parts && { "Placet-Parts": parts }) };
  const response = await fetch(path, { headers, signal: abortAfter(timeout), ...options });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return { response, page, isSignedOut: new URL(response.url).pathname === "/login" };
}

// Calls `start(root)` for the document now, and for each element that is put into it from now on.
export function onContent(start) {
  start(document);
  document.addEventListener("placet:content", ({ target }) => start(target));
}

export function announceContent(element) {
  element.dispatchEvent(new CustomEvent("placet:content", { bubbles: true }));
}

// Puts `next`, an element of a fetched page, where `old` is. Focus stays on the element of the same id.
export function replaceElement(old, next) {
  replacements += 1;
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  const element = document.importNode(next, true);
  remember(element);
  old.replaceWith(element);
  announceContent(element);
  if (focused) byId(focused)?.focus({ preventScroll: true });
  return element;
}

// How many elements were replaced so far: tells whether a page that was fetched meanwhile is out of date.
export const replacementCount = () => replacements;

// Brings every live element up to `page`, the same page as fetched now; returns whether anything differed.
export function replaceChanged(page) {
  const isSameReview = reviewId(page) === reviewId(document);
  let changed = false;
  for (const next of page.querySelectorAll("[data-live]")) {
    const old = byId(next.id);
    // Nothing of one review is put under another.
    if (old?.closest("#review") && !isSameReview) continue;
    if (old) changed = replaceIfChanged(old, next) || changed;
  }
  for (const next of page.querySelectorAll("[data-live-items]")) {
    const old = byId(next.id);
    if (old) changed = replaceItems(old, next) || changed;
  }
  return changed;
}

// The id of the review that a page has open, "" for none.
export const reviewId = (root) => root.querySelector("#review")?.dataset.review ?? "";

function replaceIfChanged(old, next) {
  if (served.get(next.id) === markup(next)) return false;
  // A form that can still be sent stays as it is, with what is typed in it.
  if (next.id === "answer" && old.querySelector("[data-answer]") && next.querySelector("[data-answer]")) return false;
  replaceElement(old, next);
  return true;
}

function replaceItems(list, next) {
  let changed = false;
  const shown = new Map([...list.children].map((item) => [item.id, item]));
  const fresh = new Map([...next.children].map((item) => [item.id, item]));
  const oldest = [...fresh.keys()].sort()[0] ?? "";
  for (const [id, item] of shown) {
    // An item older than all of the fetched ones is on another page of the list.
    if (!fresh.has(id) && id >= oldest) {
      item.remove();
      changed = true;
    }
  }
  for (const [id, item] of fresh) {
    if (shown.has(id)) {
      changed = replaceIfChanged(shown.get(id), item) || changed;
    } else {
      insertItem(list, item);
      changed = true;
    }
  }
  return changed;
}

function insertItem(list, item) {
  const added = document.importNode(item, true);
  remember(added);
  added.classList.add("row-new");
  const after = [...list.children].find((other) => other.id > added.id);
  if (after) after.before(added);
  else list.append(added);
  announceContent(added);
}

// Notes the markup of elements as the server sent them.
function remember(root) {
  if (root.id) served.set(root.id, markup(root));
  for (const element of root.querySelectorAll(LIVE)) served.set(element.id, markup(element));
}

// An element's markup without the times, which pass by themselves, and without the data of a plugin's
// frame, which an answer changes without a need to load the frame again.
function markup(element) {
  return element.outerHTML.replace(/(<time\b[^>]*>)[^<]*/g, "$1").replace(/ data-placet-init="[^"]*"/g, "");
}
