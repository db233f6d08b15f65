// The keyboard of the inbox. A person who speaks to the page instead of typing can switch the shortcuts off.
import { byId } from "./dom.js";
import { rows, shownRows } from "./review-rows.js";
import { onContent } from "./swap.js";

const OFF = "placet:keys-off";
const help = byId("keys");
const off = byId("keys-off");
const isTypedIn = (element) =>
  element.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]") !== null;

const actions = {
  j: () => moveFocus(1),
  k: () => moveFocus(-1),
  c: () => document.querySelector("#answer .comment textarea")?.focus(),
  "/": () => byId("search").focus(),
  "?": () => help.showModal(),
  Escape: backToList,
};

function moveFocus(step) {
  const all = shownRows();
  if (all.length === 0) return;
  const current = all.indexOf(document.activeElement.closest?.("[data-row]"));
  const selected = current >= 0 ? current : all.findIndex((row) => row.getAttribute("aria-current"));
  const next = all[Math.min(Math.max(selected + step, 0), all.length - 1)];
  focusRow(next);
}

// The list is one stop of the Tab key: at the row that was focused last, else at the open one, else at the first.
function focusRow(row) {
  for (const other of rows()) other.tabIndex = other === row ? 0 : -1;
  row.focus();
  row.scrollIntoView({ block: "nearest" });
}

function makeOneStop() {
  const all = shownRows();
  const stop = all.find((row) => row === document.activeElement) ?? all.find((row) => row.getAttribute("aria-current"));
  for (const row of rows()) row.tabIndex = row === (stop ?? all[0]) ? 0 : -1;
}

const ARROWS = { ArrowDown: 1, ArrowUp: -1 };

function moveByArrow(event) {
  if (!(event.key in ARROWS) || !event.target.matches?.("[data-row]")) return;
  event.preventDefault();
  moveFocus(ARROWS[event.key]);
}

function backToList() {
  const row = shownRows().find((it) => it.getAttribute("aria-current")) ?? shownRows()[0];
  if (matchMedia("(min-width: 900px)").matches) row?.focus();
  else document.querySelector(".back")?.click();
}

// The nth option or item: options wait for Enter, items are chosen.
function choose(n) {
  const choice = document.querySelectorAll("#answer [data-choice]")[n - 1];
  if (!choice) return;
  choice.focus();
  if (choice.matches("input")) choice.click();
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open || off.checked) return;
  if (isTypedIn(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const action = actions[event.key] ?? (/^[1-9]$/.test(event.key) ? () => choose(Number(event.key)) : null);
  if (!action) return;
  event.preventDefault();
  action();
}

if (off) {
  onContent(makeOneStop);
  document.addEventListener("placet:hidden", makeOneStop);
  document.addEventListener("keydown", moveByArrow);
  off.checked = localStorage.getItem(OFF) === "true";
  off.addEventListener("change", () => localStorage.setItem(OFF, String(off.checked)));
  document.addEventListener("keydown", press);
  const button = byId("keys-button");
  button.hidden = false;
  button.addEventListener("click", () => help.showModal());
}
