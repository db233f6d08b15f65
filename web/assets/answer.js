// Answering, made sure: what is typed is kept until it is known to be stored, and whoever sends it
// is told whether it counted, whatever the connection does meanwhile.
"use strict";
(() => {
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const keyOf = (form) => `placet:draft:${form.getAttribute("action")}`;

  // What is typed survives a reload; passwords are not kept.
  function keep(form) {
    const typed = [...form.elements]
      .filter((field) => field.name && field.type !== "password" && field.type !== "submit" && field.tagName !== "BUTTON")
      .map((field) => ({ name: field.name, value: field.value, checked: field.checked ?? false }));
    sessionStorage.setItem(keyOf(form), JSON.stringify(typed));
  }

  function restore(form) {
    const kept = JSON.parse(sessionStorage.getItem(keyOf(form)) ?? "[]");
    for (const { name, value, checked } of kept) {
      for (const field of form.elements) {
        if (field.name !== name || field.tagName === "BUTTON") continue;
        if (field.type === "checkbox" || field.type === "radio") {
          if (field.value === value) field.checked = checked;
        } else field.value = value;
      }
    }
  }

  function say(form, sentence) {
    const trouble = form.querySelector("[data-trouble]");
    trouble.textContent = sentence;
    trouble.hidden = sentence === "";
    if (sentence) trouble.scrollIntoView({ block: "nearest" });
  }

  // The review as the server has it; null when it cannot be asked.
  async function look(path) {
    try {
      const answer = await fetch(path, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(10_000) });
      return { answer, page: new DOMParser().parseFromString(await answer.text(), "text/html") };
    } catch {
      return null;
    }
  }

  // Shows the review's answer part as the server has it.
  function take(page) {
    const next = page.getElementById("answer");
    if (next) placet.put(document.getElementById("answer"), next);
    return next !== null;
  }

  function settled(page) {
    return page.querySelector("#answer .outcome") !== null;
  }

  function stored(form, page) {
    sessionStorage.removeItem(keyOf(form));
    take(page);
    const outcome = document.querySelector("#answer .outcome");
    outcome?.scrollIntoView({ block: "nearest" });
    document.getElementById("go-on")?.focus({ preventScroll: true });
    placet.refresh().catch(() => {});
  }

  async function send(form, button) {
    const body = new URLSearchParams(new FormData(form, button));
    keep(form);
    say(form, "");
    form.ariaBusy = "true";
    form.classList.add("sending");
    try {
      let said = null;
      try {
        const answer = await fetch(form.action, { method: "POST", body, signal: AbortSignal.timeout(20_000) });
        said = { answer, page: new DOMParser().parseFromString(await answer.text(), "text/html") };
      } catch {
        // It may or may not have arrived: only the server knows.
        say(form, "The connection was lost. Looking whether your answer counted…");
        said = await outcomeLater(form);
        if (said && !settled(said.page)) {
          say(form, "Your answer did not arrive and was not stored. Nothing you typed is lost: send it again.");
          return;
        }
      }
      if (new URL(said.answer.url).pathname === "/login") {
        say(form, "You are signed out, so this was not stored. Sign in in another tab, then send it again: what you typed stays here.");
      } else if (settled(said.page)) stored(form, said.page);
      else if (said.answer.status === 400 && take(said.page)) document.querySelector("#answer .problem:not([hidden])")?.scrollIntoView({ block: "nearest" });
      else if (said.answer.status === 503 || said.answer.status === 429) say(form, "The service is busy; nothing was stored. Send it again in a moment.");
      else say(form, said.page.querySelector(".problem")?.textContent || "It was not stored. Send it again.");
    } finally {
      form.ariaBusy = "false";
      form.classList.remove("sending");
    }
  }

  // Asks until somebody answers.
  async function outcomeLater(form) {
    for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
      await sleep(pause);
      const said = await look(form.getAttribute("action"));
      if (said && said.answer.ok) return said;
      say(form, "There is no connection, so it is not known yet whether your answer counted. What you typed stays here; this page keeps looking.");
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches?.("[data-answer]")) return;
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    send(form, event.submitter);
  });
  document.addEventListener("input", ({ target }) => {
    const form = target.closest("[data-answer]");
    if (!form) return;
    keep(form);
    count(target);
    tellRange(target);
    checkJson(target);
  });

  function count(field) {
    if (!("counted" in field.dataset)) return;
    const counter = document.querySelector(`[data-counter="${field.name}"]`);
    const length = [...field.value].length;
    const most = field.getAttribute("maxlength");
    counter.textContent = most ? `${length} of at most ${most} characters` : `${length} characters`;
    counter.hidden = false;
  }

  // Where a slider stands, which it does not say itself.
  function tellRange(field) {
    const told = field.type === "range" && field.parentElement.querySelector("[data-range]");
    if (told) told.textContent = `${field.value} ${told.dataset.unit ?? ""}`;
  }

  function checkJson(field) {
    if (!("json" in field.dataset)) return;
    let problem = "";
    try {
      const value = JSON.parse(field.value);
      if (typeof value !== "object" || value === null || Array.isArray(value)) problem = "This must be a JSON object, as in {\"approved\": true}.";
    } catch (error) {
      problem = `This is no JSON yet: ${error.message}.`;
    }
    field.setCustomValidity(problem);
    field.setAttribute("aria-invalid", String(problem !== ""));
    document.getElementById("json-state").textContent = problem || "This is a JSON object.";
  }

  function begin(root) {
    for (const form of root.querySelectorAll("[data-answer]")) {
      restore(form);
      for (const field of form.elements) {
        if (field.dataset) {
          count(field);
          tellRange(field);
          checkJson(field);
        }
      }
      aside(form);
    }
  }

  // Beside a plugin that answers, the form waits folded, for when the plugin cannot.
  function aside(form) {
    if (!("besidePlugin" in form.dataset) || !document.querySelector("[data-plugin-card]:not([data-missing])")) return;
    const fold = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = "Answer without the plugin";
    form.before(fold);
    fold.append(summary, form);
  }

  begin(document);
  document.addEventListener("placet:swapped", () => begin(document));
  document.addEventListener("placet:fresh", ({ target }) => {
    if (target.id === "answer") begin(target);
  });
  // A plugin that is not there leaves its message to the form.
  document.addEventListener("placet:missing", () => {
    for (const fold of document.querySelectorAll("details:has(> [data-beside-plugin])")) fold.open = true;
  });
})();
