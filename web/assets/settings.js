// The settings' forms, beyond what api-forms.js does for every form:
//
//   data-secret="title"    a secret in the answer is shown once, in the dialog
//   data-make-password     the field `password` is filled with a new one, which is shown so
//   data-reset             emptied when it is done
//   data-open="/path/"     goes to the page of what was made
//   data-upload="/api/…"   sends its file
//   data-tested="id"       says there how a test event was answered
"use strict";
(() => {
  const dialog = document.getElementById("secret");
  const value = document.getElementById("secret-value");

  function show(title, about, secret) {
    document.getElementById("secret-title").textContent = title;
    document.getElementById("secret-about").textContent = about;
    value.textContent = secret;
    dialog.showModal();
  }
  dialog.addEventListener("close", () => (value.textContent = ""));

  // 80 bits, without the characters that are taken for one another.
  function password() {
    const letters = "abcdefghijkmnpqrstuvwxyz23456789";
    return [...crypto.getRandomValues(new Uint8Array(16))].map((it) => letters[it % letters.length]).join("");
  }

  document.addEventListener(
    "submit",
    ({ target }) => {
      if ("makePassword" in target.dataset) target.elements.password.value = password();
    },
    true,
  );

  document.addEventListener("placet:done", ({ target: form, detail }) => {
    const made = "makePassword" in form.dataset ? form.elements.password.value : undefined;
    const secret = detail.key ?? detail.webhookSecret ?? detail.temporaryPassword ?? made;
    if (secret && form.dataset.secret) show(form.dataset.secret, aboutOf(form, detail), secret);
    if (made) form.elements.password.value = "";
    if ("reset" in form.dataset) form.reset();
    if (form.dataset.open) location.assign(form.dataset.open + detail.id);
    if (form.dataset.tested) tested(document.getElementById(form.dataset.tested), detail);
  });

  function aboutOf(form, detail) {
    if (detail.key) return `Give it to the agents that are to use “${detail.label}”.`;
    if (detail.webhookSecret) return "The receiver verifies with it what comes from here.";
    return `${detail.displayName} signs in with it as ${detail.email}, and chooses another one then.`;
  }

  function tested(place, { delivered, status, durationMs, body, error }) {
    place.replaceChildren();
    const line = document.createElement("p");
    line.className = `code ${delivered ? "good" : "bad"}`;
    line.textContent = `${delivered ? "Delivered" : "Not delivered"}: ${status ? `answered with ${status}${error ? `: ${error}` : ""}` : `the URL ${error}`}, in ${durationMs} ms`;
    place.append(line);
    if (!body) return;
    const shown = document.createElement("pre");
    shown.tabIndex = 0;
    shown.dir = "auto";
    shown.textContent = body;
    place.append(shown);
  }

  // A theme is there as soon as it is chosen.
  document.getElementById("theme")?.addEventListener("change", ({ target }) => {
    document.documentElement.dataset.theme = target.value;
    target.form.requestSubmit();
  });

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset?.upload) return;
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    try {
      const answer = await fetch(form.dataset.upload, { method: "POST", body: new FormData(form) });
      const said = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error(said.errors?.map((it) => it.message).join("; ") || said.message || "It failed.");
      form.reset();
      placet.toast("Uploaded.", "success");
      await placet.refresh();
    } catch (error) {
      placet.toast(error instanceof TypeError ? "There is no connection." : error.message, "error");
    } finally {
      form.ariaBusy = "false";
    }
  });
})();
