// Edits the arguments of an act in its card, each by its type, which it keeps. What is sent is the JSON in the form's
// textarea: an edit is written there, and the server checks it.
import { showChanges } from "./act-changes.js";
import { byId, create } from "./dom.js";
import { tokensOf, valueAt, withValue } from "./json-pointer.js";
import { readNumber } from "./numbers.js";
import { onContent } from "./swap.js";

const source = () => document.querySelector("[data-act-args]");
const places = () => [...document.querySelectorAll("#act .edit")];
let asked; // the arguments as they were asked
let edited; // and as they are in the textarea, where that is JSON

function start() {
  const textarea = source();
  if (!textarea) return;
  asked = JSON.parse(textarea.dataset.actArgs);
  for (const place of places()) if (!openButton(place)) addOpenButton(place);
  readSource(textarea);
  showProblems(textarea.form);
}

// Takes over what is in the textarea.
function readSource(textarea) {
  const { value, problem } = parse(textarea.value);
  textarea.setCustomValidity(problem);
  byId("act-json-state").textContent = problem;
  if (problem) {
    textarea.closest("details").open = true;
    return;
  }
  edited = value;
  for (const place of places()) {
    const { pointer } = place.dataset;
    const isOpen = field(place) !== null;
    const isSame = JSON.stringify(valueAt(asked, pointer)) === JSON.stringify(valueAt(edited, pointer));
    // A list that holds an edited value is not itself opened.
    if (!isOpen && !isSame && !place.querySelector(".edit")) openField(place);
    else if (isOpen) field(place).control.value = writtenValue(place, valueAt(edited, pointer));
  }
  showChanges(asked, edited);
}

function parse(text) {
  try {
    const value = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return { value, problem: isObject ? "" : "The arguments must be a JSON object." };
  } catch (error) {
    return { problem: `Not valid JSON: ${error.message}.` };
  }
}

const openButton = (place) => place.querySelector(":scope > .edit-open");
const nameOf = (place) => tokensOf(place.dataset.pointer).join(" › ") || "all arguments";
const isAbsent = (place) => valueAt(asked, place.dataset.pointer) === undefined;

function field(place) {
  const element = place.querySelector(":scope > .edit-field");
  return element && { element, control: element.querySelector("[data-control]"), problem: element.querySelector(".problem") };
}

function addOpenButton(place) {
  const text = isAbsent(place) ? "Add" : place.dataset.kind === "json" ? "Edit as JSON" : "Edit";
  place.append(create("button", { type: "button", className: "small edit-open", text }, { "aria-label": `${text}: ${nameOf(place)}` }));
}

function openField(place) {
  const element = create("div", { className: "edit-field" });
  const control = controlOf(place);
  const undo = create("button", { type: "button", className: "ghost small edit-undo", text: "Undo" }, { "aria-label": `Undo: ${nameOf(place)}` });
  const problem = create("p", { className: "problem", id: `problem-at-${places().indexOf(place)}`, hidden: true }, { role: "alert" });
  control.setAttribute("aria-describedby", problem.id);
  element.append(control, undo);
  if (place.dataset.about) element.append(create("p", { className: "meta", text: place.dataset.about, dir: "auto" }));
  element.append(problem);
  place.classList.add("editing");
  place.append(element);
  return control;
}

function controlOf(place) {
  const { kind } = place.dataset;
  const shared = { value: writtenValue(place, valueAt(edited, place.dataset.pointer)), dir: kind === "text" ? "auto" : "ltr", autocomplete: "off" };
  const attributes = { "aria-label": nameOf(place), "data-control": "", form: source().form.id };
  if (kind === "choice" || kind === "boolean") return choiceControl(place, shared, attributes);
  if (kind === "number") return create("input", { ...shared, type: "text", inputMode: "decimal" }, attributes);
  const rows = kind === "json" ? 4 : 1;
  return create("textarea", { ...shared, rows, spellcheck: kind === "text", className: kind === "json" ? "code" : "" }, attributes);
}

function choiceControl(place, { value }, attributes) {
  const select = create("select", {}, attributes);
  const choices = place.dataset.kind === "boolean" ? [true, false] : JSON.parse(place.dataset.choices);
  const all = choices.map((choice) => JSON.stringify(choice));
  if (!all.includes(value)) select.append(create("option", { value: "", text: " " }));
  for (const [index, json] of all.entries()) {
    const choice = choices[index];
    select.append(create("option", { value: json, text: typeof choice === "string" ? choice : json }));
  }
  select.value = value;
  return select;
}

// A value as the control of its place holds it.
function writtenValue({ dataset: { kind } }, value) {
  if (value === undefined || (value === null && kind !== "json" && kind !== "choice")) return "";
  if (kind === "text") return String(value);
  return kind === "json" ? JSON.stringify(value, null, 2) : JSON.stringify(value);
}

// The value that a control holds, or why there is none.
function readControl(place, control) {
  const { kind } = place.dataset;
  const limit = (name) => (name in place.dataset ? Number(place.dataset[name]) : null);
  if (kind === "text") {
    const length = [...control.value].length;
    const [min, max] = [limit("minLength"), limit("maxLength")];
    if (min !== null && length < min) return { problem: `must have at least ${min} characters` };
    return max !== null && length > max ? { problem: `may have at most ${max} characters` } : { value: control.value };
  }
  if (kind === "number") {
    const { number, problem } = readNumber(control.value);
    const [min, max] = [limit("min"), limit("max")];
    if (problem) return { problem };
    if ("integer" in place.dataset && !Number.isInteger(number)) return { problem: "must be a whole number" };
    if (min !== null && number < min) return { problem: `must be at least ${min}` };
    return max !== null && number > max ? { problem: `may be at most ${max}` } : { value: number };
  }
  try {
    const value = JSON.parse(control.value);
    const before = valueAt(asked, place.dataset.pointer);
    const isSameType = before === undefined || before === null || typeof before === typeof value && Array.isArray(before) === Array.isArray(value);
    return isSameType ? { value } : { problem: `must stay ${Array.isArray(before) ? "a list" : "an object"}` };
  } catch (error) {
    return { problem: `is not valid JSON: ${error.message}` };
  }
}

function applyControl(place) {
  const { control } = field(place);
  const { value, problem = "" } = readControl(place, control);
  showProblem(place, problem && `This ${problem}.`);
  if (!problem) write(place, value);
}

function write(place, value) {
  edited = withValue(edited, place.dataset.pointer, value);
  const textarea = source();
  textarea.value = JSON.stringify(edited, null, 2);
  textarea.setCustomValidity("");
  byId("act-json-state").textContent = "";
  textarea.dispatchEvent(new Event("input", { bubbles: true })); // the draft is kept
  showChanges(asked, edited);
}

function undo(place) {
  field(place).element.remove();
  place.classList.remove("editing");
  write(place, valueAt(asked, place.dataset.pointer));
  openButton(place).focus();
}

function showProblem(place, sentence) {
  const { control, problem } = field(place);
  control.setCustomValidity(sentence);
  control.setAttribute("aria-invalid", String(sentence !== ""));
  problem.textContent = sentence;
  problem.hidden = sentence === "";
}

// What the server refused is shown at its place.
function showProblems(form) {
  for (const found of form.querySelectorAll("[data-problem-at]")) {
    const pointer = found.dataset.problemAt;
    const place = places().find((it) => it.dataset.pointer === pointer);
    if (!place) continue;
    for (let fold = place.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    if (!field(place)) openField(place);
    showProblem(place, found.textContent);
  }
}

document.addEventListener("click", ({ target }) => {
  const place = target.closest?.(".edit");
  if (target.closest?.(".edit-open")) openField(place).focus();
  if (target.closest?.(".edit-undo")) undo(place);
});
document.addEventListener("input", (event) => {
  const { target } = event;
  if (target.matches?.("#act [data-control]")) applyControl(target.closest(".edit"));
  if (target.matches?.("[data-act-args]") && event.isTrusted) readSource(target);
});
// Enter in a field would press the form's first button.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.("#act input[data-control], [data-phrase]")) event.preventDefault();
});
onContent((root) => {
  if (root === document || root.contains(source()) || root.id === "act") start();
});
