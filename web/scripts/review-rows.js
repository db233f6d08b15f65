// Keeps the list of requests up to date without moving it under its reader. While the list is read (the pointer or
// the focus is in it, or it was just touched), new rows wait behind a button ("3 new"), and rows that are gone stay in
// place, marked. Otherwise rows are added and removed one by one, and what is in sight stays where it is.
import { announce } from "./announce.js";
import { byId } from "./dom.js";
import { announceContent, fetchPage, replaceElement } from "./swap.js";
import { toast } from "./toast.js";

const TOUCHED = 3_000;
const list = byId("list");
const wide = matchMedia("(min-width: 900px)");
let held = null; // the rows as last fetched, while they wait
let touchedAt = -Infinity;
let isMouse = true;

export const rows = () => [...document.querySelectorAll("[data-row]")];
// Whether a row is not hidden until later.
export const isShown = (row) => !row.closest("li").hidden;
export const shownRows = () => rows().filter(isShown);
const scroller = () => (wide.matches ? list : document.scrollingElement);
const rowIds = (root) => [...root.querySelectorAll("[data-row]")].map((row) => row.id);

function isRead() {
  if (document.hidden || !list.checkVisibility() || rows().length === 0) return false;
  const isPointedAt = isMouse ? byId("rows").matches(":hover") : performance.now() - touchedAt < TOUCHED;
  return isPointedAt || byId("rows").contains(document.activeElement);
}

// Takes over the rows of a fetched page; returns whether anything differs.
export function updateRows(page) {
  const next = page.getElementById("rows");
  const old = byId("rows");
  if (!next || !old) return false;
  const [was, now] = [new Set(rowIds(old)), rowIds(next)];
  const added = now.filter((id) => !was.has(id));
  const isSame = added.length === 0 && markup(old) === markup(next);
  if (isSame) return false;
  announceArrivals(next, added);
  if (isRead()) hold(next, added);
  else show(next);
  return true;
}

// What differs between two lists, without the times, which pass by themselves, and without marks of this page.
function markup(element) {
  const copy = element.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) time.replaceWith(time.dateTime);
  for (const row of copy.querySelectorAll("[data-row]")) {
    row.removeAttribute("aria-current");
    row.removeAttribute("tabindex");
  }
  return copy.innerHTML.replace(/\s+/g, " ");
}

function announceArrivals(next, added) {
  const isFirstPage = added.length > 0 && next.contains(next.querySelector(`#${added[0]}`));
  if (!isFirstPage || list.dataset.tab !== "pending") return;
  const agent = next.querySelector(`#${added[0]} .agent`).textContent.trim();
  announce(added.length === 1 ? `New request from ${agent}.` : `${added.length} new requests.`);
}

function hold(next, added) {
  held = next;
  const fresh = new Set(rowIds(next));
  const isLast = !next.querySelector("[data-more]");
  for (const row of rows()) row.classList.toggle("gone", isLast && !fresh.has(row.id));
  showCount(added.length);
  if (!isMouse) setTimeout(showUnread, TOUCHED);
}

// Shows what waits, unless the list is still read.
function showUnread() {
  if (!isRead()) showHeld();
}

function notePointer({ type, pointerType }) {
  isMouse = pointerType === "mouse";
  if (type === "pointerdown") touchedAt = performance.now();
}

function showCount(count) {
  const button = byId("new-rows");
  button.textContent = `${count} new`;
  button.hidden = count === 0;
}

// Shows a list; the first row in sight stays where it is.
function show(next) {
  held = null;
  showCount(0);
  const box = scroller();
  const isAtTop = box.scrollTop < 8;
  const fresh = new Set(rowIds(next));
  const anchor = isAtTop ? null : rows().find((row) => row.getBoundingClientRect().bottom > 0 && fresh.has(row.id));
  const top = anchor?.getBoundingClientRect().top;
  const pages = olderPages(next);
  const element = replaceElement(byId("rows"), next);
  if (pages) element.querySelector("#row-list")?.append(...pages.rows);
  if (pages) replaceMore(element, pages.more);
  announceContent(element);
  if (anchor) box.scrollTop += byId(anchor.id).getBoundingClientRect().top - top;
}

// The rows of further pages that were loaded by hand.
function olderPages(next) {
  const loaded = [...document.querySelectorAll("#row-list > [data-page]")];
  if (loaded.length === 0 || !next.querySelector("[data-more]")) return null;
  const fresh = new Set(rowIds(next));
  return {
    rows: loaded.filter((item) => !fresh.has(item.querySelector("[data-row]")?.id)),
    more: document.querySelector("#rows .more"),
  };
}

function replaceMore(element, more) {
  element.querySelector(".more")?.remove();
  if (more) element.append(more);
}

// Removes the row of a request that this page answered.
export function removeRow(id) {
  const row = byId(`row-${id}`);
  if (!row || list.dataset.tab !== "pending") return;
  row.closest("li").remove();
}

export async function showMore(link) {
  link.ariaBusy = "true";
  try {
    const { response, page } = await fetchPage(link.getAttribute("href"), { parts: "rows" });
    const more = page.getElementById("row-list");
    if (!response.ok || !more) throw new Error(response.status);
    const shown = new Set(rows().map((row) => row.id));
    const items = [...more.children].filter((item) => !shown.has(item.querySelector("[data-row]")?.id));
    for (const item of items) item.dataset.page = "";
    byId("row-list").append(...items.map((item) => document.importNode(item, true)));
    replaceMore(byId("rows"), page.querySelector("#rows .more"));
    announceContent(byId("rows"));
    announce(`${items.length} more requests.`);
  } catch {
    link.ariaBusy = "false";
    toast("More requests could not be loaded. Try again.", "error");
  }
}

function showHeld({ scrolls = false } = {}) {
  if (held) show(held);
  if (scrolls) scroller().scrollTop = 0;
}

if (byId("rows") && byId("new-rows")) {
  byId("new-rows").addEventListener("click", () => showHeld({ scrolls: true }));
  for (const move of ["pointerdown", "pointermove"]) list.addEventListener(move, notePointer);
  list.addEventListener("pointerleave", () => isMouse && setTimeout(showUnread));
  list.addEventListener("focusout", () => setTimeout(showUnread));
  document.addEventListener("visibilitychange", () => document.hidden && showHeld());
  list.addEventListener("click", (event) => {
    const link = event.target.closest("[data-more]");
    if (!link) return;
    event.preventDefault();
    if (link.ariaBusy !== "true") showMore(link);
  });
}
