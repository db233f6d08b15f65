// Forms that call the API and show its answer.
//
//   <form data-api="PATCH /api/agents/ID" data-said="Saved.">
//
// The named fields become the members of a JSON body: `data-json` is parsed, a checkbox is true or false,
// `data-null` makes an empty field null, `data-skip` leaves an empty one out, and a dot in a name makes an
// object ("webhookAuth.username"). `data-confirm` asks first. `data-said` is shown once it is done; then the
// page is refreshed, or left for `data-then`. The form gets `placet:done` with the API's answer. What is wrong
// is shown in the form.
import { callApi } from "./api.js";
import { create } from "./dom.js";
import { refresh } from "./refresh.js";
import { toast } from "./toast.js";

async function submit(form) {
  if (form.ariaBusy === "true" || (form.dataset.confirm && !confirm(form.dataset.confirm))) return;
  const problem = problemOf(form);
  problem.hidden = true;
  form.ariaBusy = "true";
  try {
    const [method, path] = form.dataset.api.split(" ");
    const answer = await callApi(method, path, bodyOf(form, method));
    if (form.dataset.said) toast(form.dataset.said, "success");
    form.dispatchEvent(new CustomEvent("placet:done", { detail: answer, bubbles: true }));
    if (form.dataset.then) location.assign(form.dataset.then);
    else await refresh();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
    problem.scrollIntoView({ block: "nearest" });
  } finally {
    form.ariaBusy = "false";
  }
}

// The JSON body, undefined for none.
function bodyOf(form, method) {
  if (method === "DELETE" || form.elements.length === 0) return undefined;
  const body = {};
  for (const field of form.elements) {
    if (!isSent(field)) continue;
    const path = field.name.split(".");
    let parent = body;
    for (const name of path.slice(0, -1)) parent = parent[name] ??= {};
    parent[path.at(-1)] = valueOf(field);
  }
  return method === "POST" && Object.keys(body).length === 0 ? undefined : body;
}

function isSent(field) {
  if (!field.name || field.disabled || field.type === "submit") return false;
  if (field.type === "radio" && !field.checked) return false;
  return field.value !== "" || !("skip" in field.dataset);
}

function valueOf(field) {
  if (field.type === "checkbox") return field.checked;
  if (field.value === "" && "null" in field.dataset) return null;
  if (!("json" in field.dataset)) return field.value;
  try {
    return JSON.parse(field.value);
  } catch {
    throw new Error(`${field.dataset.json || field.name} must be JSON.`);
  }
}

function problemOf(form) {
  const shown = form.querySelector("[data-problem]");
  if (shown) return shown;
  const added = create("p", { className: "problem" }, { role: "alert", "data-problem": "" });
  form.prepend(added);
  return added;
}

document.addEventListener("submit", (event) => {
  if (!event.target.dataset?.api) return;
  event.preventDefault();
  submit(event.target);
});
