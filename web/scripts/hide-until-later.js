// "Later": hides a request in this browser for a while, but never past its expiry. After each change of what is hidden,
// `placet:hidden` is dispatched.
import { announce } from "./announce.js";
import { byId, create } from "./dom.js";
import { isShown, rows, shownRows } from "./review-rows.js";
import { onContent, reviewId } from "./swap.js";

const KEY = "placet:later";
const BEFORE_EXPIRY = 10 * 60_000; // it is shown again this long before it expires
const CHECK = 30_000;
const HOUR = 3_600_000;
const idOf = (row) => row.id.slice("row-".length);
let showsAll = false;

// The ids of hidden requests, and until when.
function hidden() {
  const all = Object.entries(JSON.parse(localStorage.getItem(KEY) ?? "{}"));
  return new Map(all.filter(([, until]) => until > Date.now()));
}

function untilOf(choice, due) {
  const tomorrow = new Date();
  tomorrow.setDate(tomorrow.getDate() + 1);
  tomorrow.setHours(9, 0, 0, 0);
  const until = choice === "hour" ? Date.now() + HOUR : tomorrow.getTime();
  return Math.min(until, due - BEFORE_EXPIRY);
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
    const isHidden = all.has(idOf(row));
    if (isHidden) count += 1;
    row.closest("li").hidden = isHidden && !showsAll;
  }
  showCount(count);
  leadOn();
  document.dispatchEvent(new CustomEvent("placet:hidden"));
}

// The requests in sight below this one.
function shownBelow(id) {
  const all = rows();
  return all.slice(all.findIndex((row) => idOf(row) === id) + 1).filter(isShown);
}

// The link to the next request leads past those that are hidden, which the server does not know.
function leadOn() {
  const link = byId("go-on");
  const id = link?.pathname.split("/reviews/")[1];
  if (showsAll || !hidden().has(id)) return;
  const open = reviewId(document);
  const next = [...shownBelow(id), ...shownRows()].find((row) => idOf(row) !== open && !row.matches(".gone"));
  link.href = next ? next.getAttribute("href") : `/${location.search}`;
  link.classList.toggle("primary", next !== undefined);
  if (next) link.querySelector("[dir]").textContent = next.querySelector(".excerpt").textContent;
  else link.textContent = "The others are hidden until later. Back to the list";
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
  const [next] = shownBelow(id);
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
    else if (byId("go-on") && root.contains(byId("go-on"))) leadOn();
  });
}
