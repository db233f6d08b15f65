// "Later": hides a request in this browser for a while, but never past its expiry.
import { announce } from "./announce.js";
import { byId, create } from "./dom.js";
import { rows } from "./review-rows.js";
import { onContent, reviewId } from "./swap.js";

const KEY = "placet:later";
const BEFORE_EXPIRY = 10 * 60_000; // it is shown again this long before it expires
const CHECK = 30_000;
let showsAll = false;

// The ids of hidden requests, and until when.
function hidden() {
  const all = Object.entries(JSON.parse(localStorage.getItem(KEY) ?? "{}"));
  return new Map(all.filter(([, until]) => until > Date.now()));
}

function untilOf(choice, due) {
  const until = new Date();
  if (choice === "hour") until.setHours(until.getHours() + 1);
  else {
    until.setDate(until.getDate() + 1);
    until.setHours(9, 0, 0, 0);
  }
  return Math.min(until.getTime(), due - BEFORE_EXPIRY);
}

function hide(id, choice, due) {
  const until = untilOf(choice, due);
  if (until <= Date.now()) {
    announce("This expires soon, so it stays in the list.");
    return false;
  }
  const all = hidden().set(id, until);
  localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(all)));
  showHidden();
  const at = new Date(until).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  announce(`Hidden until ${at}.`);
  return true;
}

function showHidden() {
  const all = hidden();
  let count = 0;
  for (const row of rows()) {
    const isHidden = all.has(row.id.slice("row-".length));
    if (isHidden) count += 1;
    row.closest("li").hidden = isHidden && !showsAll;
  }
  showCount(count);
}

function showCount(count) {
  byId("later-count")?.remove();
  if (count === 0) return;
  const text = showsAll ? `Hide ${count} for later` : `${count} hidden for later`;
  const button = create("button", { id: "later-count", type: "button", className: "small ghost", text });
  button.addEventListener("click", () => {
    showsAll = !showsAll;
    showHidden();
    byId("later-count")?.focus();
  });
  byId("rows").append(button);
}

// Hides the open request, and leads on to the next one in sight, or to the list.
function hideOpen(choice, due) {
  const id = reviewId(document);
  const all = rows();
  const next = all.slice(all.findIndex((row) => row.id === `row-${id}`) + 1).find((row) => !row.closest("li").hidden);
  if (!hide(id, choice, due)) return;
  (next ?? document.querySelector("#pane .back"))?.click();
}

function press({ target }) {
  const button = target.closest("[data-hide-for]");
  if (!button) return;
  const due = new Date(button.closest("[data-until]").dataset.until).getTime();
  hideOpen(button.dataset.hideFor, due);
}

function pressKey(event) {
  if (event.key !== "s" || event.ctrlKey || event.metaKey || event.altKey || byId("keys-off").checked) return;
  if (event.target.closest("input, textarea, select") || byId("keys").open) return;
  const menu = document.querySelector("[data-later]");
  if (!menu) return;
  event.preventDefault();
  menu.open = true;
  menu.querySelector("button").focus();
}

if (byId("rows") && byId("keys-off")) {
  document.addEventListener("click", press);
  document.addEventListener("keydown", pressKey);
  setInterval(showHidden, CHECK);
  onContent((root) => {
    for (const menu of root.querySelectorAll("[data-later]")) menu.hidden = false;
    if (root === document || root.id === "rows") showHidden();
  });
}
