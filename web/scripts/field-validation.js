// Checks the fields of an answer while they are typed in, by the rules of the service.
import { checkDatetime } from "./datetime-zone.js";
import { readNumber } from "./numbers.js";

// Checks all fields of a form, for what is in them when it is shown.
export function validateForm(form) {
  for (const field of form.elements) if (field.dataset && field.name) validate(field);
}

function validate(field) {
  if ("json" in field.dataset || !field.setCustomValidity) return; // field-feedback.js checks JSON
  const problem = problemOf(field);
  field.setCustomValidity(problem && /^[a-z]/.test(problem) ? `This ${problem}.` : problem);
}

function problemOf(field) {
  if (field.type === "datetime-local") return checkDatetime(field);
  if (field.type === "checkbox" || field.type === "radio") return choiceProblem(field);
  if (typeof field.value !== "string" || field.value === "") return "";
  const isText = /^(text|textarea|url|password)$/.test(field.type);
  if (field.required && isText && isBlank(field.value)) return "must not be blank";
  if ("number" in field.dataset) return numberProblem(field);
  if ("counted" in field.dataset) return lengthProblem(field);
  // Browsers that write a blank in a host as %20 take what the service refuses.
  if (field.type === "url") return /^\w[\w+.-]*:\/*[^/?#]*\s/.test(field.value) ? "must be an absolute URL" : "";
  return field.inputMode === "email" ? emailProblem(field) : "";
}

function choiceProblem(field) {
  const group = field.closest("[data-one-of]");
  if (!group || field !== group.querySelector("input")) return "";
  return group.querySelector(":checked") ? "" : "Choose at least one.";
}

const isBlank = (text) => /^[\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]*$/u.test(text);

function numberProblem(field) {
  const { number, problem } = readNumber(field.value);
  if (problem) return problem;
  const limit = (name) => (name in field.dataset ? Number(field.dataset[name]) : null);
  const [min, max, step] = [limit("min"), limit("max"), limit("step")];
  if (min !== null && number < min) return `must be at least ${min}`;
  if (max !== null && number > max) return `may be at most ${max}`;
  if (step === null) return "";
  const steps = (number - (min ?? 0)) / step;
  const distance = Math.abs(steps - Math.round(steps));
  const isOnStep = distance <= Math.max(1e-6, Math.abs(steps) * 1e-15) || !Number.isFinite(steps);
  return isOnStep ? "" : `must lie on a step of ${step}${min ? ` from ${min}` : ""}`;
}

function lengthProblem(field) {
  const length = [...field.value].length;
  const { min, max } = field.dataset;
  if (min && length < Number(min)) return `must have at least ${min} characters`;
  return max && length > Number(max) ? `may have at most ${max} characters` : "";
}

// Something on both sides of one @, without blanks.
function emailProblem(field) {
  const bytes = new TextEncoder().encode(field.value).length;
  const isAddress = /^[^@\p{White_Space}\p{Cc}]+@[^@\p{White_Space}\p{Cc}]+$/u.test(field.value) && bytes <= 254;
  return isAddress ? "" : "must be an e-mail address";
}

document.addEventListener("input", ({ target }) => {
  if (!target.closest("[data-answer]")) return;
  validate(target.closest("[data-one-of]")?.querySelector("input") ?? target);
});
