// Forms that call the API and show what it says.
//
//   <form data-api="PATCH /api/agents/ID" data-said="Saved.">
//
// The named fields become the members of a JSON body: `data-json` is parsed, a checkbox is true or
// false, `data-null` makes an empty field null, `data-skip` leaves an empty one out, and a dot in a
// name makes an object ("webhookAuth.username"). `data-confirm` asks first. Afterwards the page
// reads itself anew, or goes to `data-then`; the form hears `placet:done` with the API's answer.
// What is wrong is said beside the form, every field of it.
"use strict";
(() => {
  function bodyOf(form) {
    const body = {};
    for (const field of form.elements) {
      if (!field.name || field.disabled || field.type === "submit" || (field.type === "radio" && !field.checked)) continue;
      let value = field.type === "checkbox" ? field.checked : field.value;
      if (value === "" && "skip" in field.dataset) continue;
      if (value === "" && "null" in field.dataset) value = null;
      else if ("json" in field.dataset) {
        try {
          value = JSON.parse(value);
        } catch {
          throw new Error(`${field.dataset.json || field.name} must be JSON.`);
        }
      }
      const path = field.name.split(".");
      let place = body;
      for (const part of path.slice(0, -1)) place = place[part] ??= {};
      place[path.at(-1)] = value;
    }
    return body;
  }

  // Calls the API; throws a sentence for people.
  async function call(method, path, body) {
    let answer;
    try {
      answer = await fetch(path, {
        method,
        headers: body === undefined ? {} : { "Content-Type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch {
      throw new Error("There is no connection. Nothing was changed, as far as we know: look again once it is back.");
    }
    if (answer.status === 401) {
      location.reload();
      throw new Error("You are signed out.");
    }
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) return said;
    const problems = (said.errors ?? []).map((it) => it.message);
    throw new Error(problems.length > 0 ? `${problems.join("; ")}.` : (said.message ?? `It failed (${answer.status}).`));
  }

  function problemOf(form) {
    let shown = form.querySelector("[data-problem]");
    if (!shown) {
      shown = document.createElement("p");
      shown.className = "problem";
      shown.setAttribute("role", "alert");
      shown.dataset.problem = "";
      form.prepend(shown);
    }
    return shown;
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset?.api) return;
    event.preventDefault();
    if (form.ariaBusy === "true" || (form.dataset.confirm && !confirm(form.dataset.confirm))) return;
    const [method, path] = form.dataset.api.split(" ");
    const problem = problemOf(form);
    problem.hidden = true;
    form.ariaBusy = "true";
    try {
      const body = method === "DELETE" || form.elements.length === 0 ? undefined : bodyOf(form);
      const said = await call(method, path, body && Object.keys(body).length === 0 && method === "POST" ? undefined : body);
      if (form.dataset.said) placet.toast(form.dataset.said, "success");
      form.dispatchEvent(new CustomEvent("placet:done", { detail: said, bubbles: true }));
      if (form.dataset.then) location.assign(form.dataset.then);
      else await placet.refresh();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
      problem.scrollIntoView({ block: "nearest" });
    } finally {
      form.ariaBusy = "false";
    }
  });

  window.placetCall = call;
})();
