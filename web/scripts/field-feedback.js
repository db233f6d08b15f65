// Shows next to a field what its value alone does not show: the length of a text, the position of a slider,
// whether a text is JSON.
import { byId } from "./dom.js";

// Shows it for all fields of a form.
export function showFeedback(form) {
  for (const field of form.elements) if (field.dataset) showFieldFeedback(field);
}

function showFieldFeedback(field) {
  if ("counted" in field.dataset) showLength(field);
  if (field.type === "range") showPosition(field);
  if ("json" in field.dataset) checkJson(field);
}

function showLength(field) {
  const counter = document.querySelector(`[data-counter="${field.name}"]`);
  const length = [...field.value].length;
  const { max } = field.dataset;
  counter.textContent = max ? `${length.toLocaleString()} / ${Number(max).toLocaleString()}` : `${length.toLocaleString()} characters`;
  counter.hidden = false;
}

function showPosition(field) {
  const output = field.parentElement.querySelector("[data-range]");
  if (output) output.textContent = `${field.value} ${output.dataset.unit ?? ""}`;
}

function checkJson(field) {
  const problem = jsonProblem(field.value);
  field.setCustomValidity(problem);
  field.setAttribute("aria-invalid", String(problem !== ""));
  byId("json-state").textContent = problem || "Valid JSON.";
}

function jsonProblem(text) {
  try {
    const value = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? "" : 'This must be a JSON object, as in {"approved": true}.';
  } catch (error) {
    return `Not valid JSON: ${error.message}.`;
  }
}

document.addEventListener("input", ({ target }) => {
  if (target.closest("[data-answer]")) showFieldFeedback(target);
});
