// Answers several approvals together: those that have the same options. Each is sent like a single answer, one after
// the other, and its row shows its own result. Chosen with `x`, by a click on the picture, or by a long press.
import { announce } from "./announce.js";
import { byId, create } from "./dom.js";
import { refresh } from "./refresh.js";
import { isShown, rows, shownRows } from "./review-rows.js";
import { fetchPage, onContent } from "./swap.js";

const LONG_PRESS = 500;
const UNKNOWN = "not known: check it";
const chosen = new Set(); // ids of rows
let isSending = false;
let timer;
let wasLong = false; // the click that ends a long press opens nothing

const chosenRows = () => shownRows().filter((row) => chosen.has(row.id));
const outcomeOf = (page) => page.querySelector("#answer .outcome");

function toggle(row, isChosen = !chosen.has(row.id)) {
  if (isSending || !row.dataset.options) return;
  if (isChosen) chosen.add(row.id);
  else chosen.delete(row.id);
  showChosen();
  announce(`${chosen.size} chosen.`);
}

function showChosen() {
  for (const row of rows()) markChosen(row, chosen.has(row.id));
  const all = chosenRows();
  byId("bulk").hidden = all.length === 0 && byId("bulk-result").textContent === "";
  byId("bulk-cancel").textContent = all.length > 0 ? "Cancel" : "Close";
  byId("bulk-count").textContent = all.length > 0 ? `${all.length} chosen` : "";
  const shapes = new Set(all.map((row) => row.dataset.options));
  const options = shapes.size === 1 ? JSON.parse([...shapes][0]) : [];
  byId("bulk-options").replaceChildren(...options.map(([id, ...words]) => optionButton(id, ...words)));
  if (shapes.size > 0) byId("bulk-result").textContent = shapes.size > 1 ? "These have different options." : "";
}

// What is hidden until later is not answered together with others.
function dropHidden() {
  const dropped = rows().filter((row) => chosen.has(row.id) && !isShown(row));
  if (isSending || dropped.length === 0) return;
  for (const row of dropped) chosen.delete(row.id);
  showChosen();
}

function markChosen(row, isChosen) {
  row.classList.toggle("chosen-row", isChosen);
  row.querySelector(".chosen-mark")?.remove();
  if (isChosen) row.prepend(create("span", { className: "unseen chosen-mark", text: "Chosen: " }));
}

// `effect`: what the option does to the act, unless its label says so.
function optionButton(id, label, effect) {
  const said = (...words) => words.filter(Boolean).join(" ");
  const button = create("button", { type: "button", className: "small", text: said(label, "all", effect), dir: "auto" });
  button.addEventListener("click", () => answerAll(id, said(label, effect)));
  return button;
}

async function answerAll(option, label) {
  if (isSending) return;
  isSending = true;
  const [all, results] = [chosenRows(), []];
  byId("bulk").ariaBusy = "true";
  for (const [index, row] of all.entries()) {
    byId("bulk-result").textContent = `Sending ${index + 1} of ${all.length}…`;
    const result = await answerOne(row, option, label);
    results.push(result);
    chosen.delete(row.id);
    showResult(row, result);
  }
  isSending = false;
  byId("bulk").ariaBusy = "false";
  showChosen();
  byId("bulk-result").textContent = summary(results);
  byId("bulk").hidden = false;
  refresh().catch(() => {});
}

// What became of one answer, in a word or two.
async function answerOne(row, option, label) {
  const body = new URLSearchParams({ option });
  try {
    const { response, page } = await fetchPage(row.getAttribute("href"), { method: "POST", body, parts: "answer" });
    const outcome = outcomeOf(page);
    if (response.status >= 500) return UNKNOWN; // it may have been stored
    if (response.status === 404) return "withdrawn";
    if (!outcome) return "not sent";
    if (!outcome.classList.contains("done")) return outcome.querySelector("h2").textContent.trim().toLowerCase();
    return outcome.querySelector(".chosen")?.textContent === label ? label : "answered differently";
  } catch {
    return UNKNOWN;
  }
}

function showResult(row, result) {
  markChosen(row, false);
  row.classList.add("gone");
  row.querySelector(".left")?.replaceChildren(result);
}

// "11 Approve, 1 expired"
function summary(results) {
  const counts = new Map();
  for (const result of results) counts.set(result, (counts.get(result) ?? 0) + 1);
  return `${[...counts].map(([result, count]) => `${count} ${result}`).join(", ")}.`;
}

function cancel() {
  if (isSending) return;
  chosen.clear();
  byId("bulk-result").textContent = "";
  showChosen();
}

function press(event) {
  const row = event.target.closest?.("[data-row]");
  if (!row || event.ctrlKey || event.metaKey || event.altKey || byId("keys-off").checked) return;
  if (event.key === "x") toggle(row);
  if (event.key === "J" || event.key === "K") extend(row, event.key === "J" ? 1 : -1);
}

function extend(row, step) {
  toggle(row, true);
  const all = shownRows();
  const next = all[all.indexOf(row) + step];
  if (!next) return;
  toggle(next, true);
  next.focus();
}

function startPress({ target, pointerType }) {
  const row = target.closest("[data-row]");
  wasLong = false;
  clearTimeout(timer);
  if (!row || pointerType === "mouse") return;
  timer = setTimeout(() => {
    wasLong = true;
    toggle(row);
  }, LONG_PRESS);
}

// While some are chosen, a click on a row chooses, too.
function choose(event) {
  const row = event.target.closest("[data-row]");
  if (!row || event.ctrlKey || event.metaKey || event.shiftKey || event.detail === 0) return;
  const picks = wasLong || event.target.closest(".avatar") || chosen.size > 0;
  if (!picks || !row.dataset.options) return;
  event.preventDefault();
  event.stopPropagation();
  if (!wasLong) toggle(row);
  wasLong = false;
}

if (byId("bulk")) {
  const list = byId("list");
  list.addEventListener("click", choose);
  list.addEventListener("pointerdown", startPress);
  for (const end of ["pointerup", "pointercancel", "pointermove"]) list.addEventListener(end, () => clearTimeout(timer));
  list.addEventListener("contextmenu", (event) => wasLong && event.preventDefault());
  list.addEventListener("keydown", press);
  byId("bulk-cancel").addEventListener("click", cancel);
  onContent((root) => root.id === "rows" && !isSending && showChosen());
  document.addEventListener("placet:hidden", dropHidden);
}
