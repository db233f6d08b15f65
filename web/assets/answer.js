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
      .map((field) => ({
        name: field.name,
        value: field.value,
        checked: field.checked ?? false,
        written: /^(text|textarea|email|url)/.test(field.type) && field.value !== field.defaultValue,
      }));
    try {
      sessionStorage.setItem(keyOf(form), JSON.stringify(typed));
    } catch {
      // There is no room: it is sent all the same.
    }
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
      const answer = await fetch(path, { headers: { Accept: "text/html" }, signal: placet.limit(10_000) });
      return { answer, page: new DOMParser().parseFromString(await answer.text(), "text/html") };
    } catch {
      return null;
    }
  }

  // Shows the review's answer part as the server has it, if it is the review that is open.
  function take(page) {
    const next = page.getElementById("answer");
    if (!next || placet.subject(page) !== placet.subject(document)) return false;
    placet.put(document.getElementById("answer"), next);
    return true;
  }

  const signedOut = (said) => new URL(said.answer.url).pathname === "/login";

  function settled(page) {
    return page.querySelector("#answer .outcome") !== null;
  }

  function stored(form, page) {
    sessionStorage.removeItem(keyOf(form));
    if (!take(page)) {
      placet.toast("Your answer to the request before is settled.", "success");
      placet.refresh().catch(() => {});
      return;
    }
    if (page.querySelector("#answer .outcome.done")) placet.toast("Your answer is stored.", "success");
    const outcome = document.querySelector("#answer .outcome");
    outcome?.scrollIntoView({ block: "nearest" });
    document.getElementById("go-on")?.focus({ preventScroll: true });
    placet.refresh().catch(() => {});
  }

  async function send(form, button) {
    const body = new URLSearchParams(new FormData(form));
    if (button?.name) body.set(button.name, button.value);
    keep(form);
    say(form, "");
    form.ariaBusy = "true";
    form.classList.add("sending");
    try {
      let said = null;
      try {
        await placet.renewed;
        const answer = await fetch(form.action, { method: "POST", body, signal: placet.limit(20_000) });
        if (answer.status >= 500) throw new Error(answer.status); // it may have been stored before
        said = { answer, page: new DOMParser().parseFromString(await answer.text(), "text/html") };
      } catch {
        // It may or may not have arrived: only the server knows.
        say(form, "The connection was lost. Looking whether your answer counted…");
        said = await outcomeLater(form);
        if (said.page.querySelector("[data-answer]")) {
          say(form, "Your answer did not arrive and was not stored. Nothing you typed is lost: send it again.");
          return;
        }
      }
      if (signedOut(said)) {
        say(form, "You are signed out, so this was not stored. Sign in in another tab, then send it again: what you typed stays here.");
      } else if (settled(said.page)) stored(form, said.page);
      else if (said.answer.status === 400) refused(said.page);
      else if (said.answer.status === 404) say(form, "The agent withdrew this request, so your answer was not stored. What you typed stays here.");
      else say(form, said.page.querySelector(".problem")?.textContent || "It was not stored. Send it again.");
    } finally {
      form.ariaBusy = "false";
      form.classList.remove("sending");
    }
  }

  // What is wrong with the answer stands where it was typed.
  function refused(page) {
    if (!take(page)) {
      placet.toast("An answer was not stored: open its request again, what you typed is still there.", "error");
      return;
    }
    const problem = document.querySelector("#answer .problem:not([hidden])");
    problem.tabIndex = -1;
    problem.focus();
  }

  // Asks until somebody answers. That nothing is stored is only believed after a while: the answer
  // may still be on its way.
  async function outcomeLater(form) {
    let waiting = 0;
    for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
      await sleep(pause);
      const said = await look(form.getAttribute("action"));
      if (said && (said.answer.status === 404 || signedOut(said))) return said;
      if (said?.answer.ok) {
        waiting += 1;
        if (settled(said.page) || waiting === 3) return said;
        continue;
      }
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
    const most = field.dataset.max;
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
      form.dispatchEvent(new CustomEvent("placet:filled", { bubbles: true }));
      aside(form);
    }
  }

  // Beside a plugin that answers, the form waits folded, for when the plugin cannot.
  function aside(form) {
    if (form.parentElement.matches("details")) return; // it is so already
    if (!("besidePlugin" in form.dataset) || !document.querySelector("[data-plugin-card]:not([data-missing])")) return;
    const fold = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = "Answer without the plugin";
    form.before(fold);
    fold.append(summary, form);
  }

  // When the time ran out, or somebody else was quicker, what one was writing is still one's own.
  function leave(outcome) {
    const key = `placet:draft:/reviews/${placet.subject(document)}`;
    const kept = JSON.parse(sessionStorage.getItem(key) ?? "[]");
    sessionStorage.removeItem(key);
    const text = kept.filter((it) => it.written && !outcome.textContent.includes(it.value.trim())).map((it) => it.value);
    if (text.length === 0) return;
    const fold = document.createElement("details");
    const summary = document.createElement("summary");
    const shown = document.createElement("pre");
    summary.textContent = "What you had typed, which was not sent";
    shown.tabIndex = 0;
    shown.dir = "auto";
    shown.textContent = text.join("\n\n");
    fold.append(summary, shown);
    outcome.append(fold);
  }

  begin(document);
  document.addEventListener("placet:swapped", () => begin(document));
  document.addEventListener("placet:fresh", ({ target }) => {
    if (target.id !== "answer") return;
    begin(target);
    const outcome = target.querySelector(".outcome");
    if (outcome) leave(outcome);
  });
  // A plugin that is not there leaves its message to the form.
  document.addEventListener("placet:missing", () => {
    for (const fold of document.querySelectorAll("details:has(> [data-beside-plugin])")) fold.open = true;
  });
})();
