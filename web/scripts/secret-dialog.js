// Shows a new secret once, after a form of api-form.js made it:
//
//   data-secret="title"    a secret in the answer is shown in the dialog, under this title
//   data-make-password     the field `password` is filled with a new password, which is shown like that
//   data-reset             the form is emptied when it is done
//   data-open="/path/"     opens the page of what was made
import { byId } from "./dom.js";

const dialog = byId("secret");

function show(title, about, secret) {
  byId("secret-title").textContent = title;
  byId("secret-about").textContent = about;
  byId("secret-value").textContent = secret;
  dialog.showModal();
}

// 80 bits, without characters that look alike.
function randomPassword() {
  const letters = "abcdefghijkmnpqrstuvwxyz23456789";
  return [...crypto.getRandomValues(new Uint8Array(16))].map((it) => letters[it % letters.length]).join("");
}

function about(answer) {
  if (answer.key) return `Give it to the agents that are to use “${answer.label}”.`;
  if (answer.webhookSecret) return "The receiver verifies our requests with it.";
  return `${answer.displayName} signs in with it as ${answer.email}, and then chooses another one.`;
}

function finish({ target: form, detail: answer }) {
  const password = "makePassword" in form.dataset ? form.elements.password.value : undefined;
  const secret = answer.key ?? answer.webhookSecret ?? answer.temporaryPassword ?? password;
  if (secret && form.dataset.secret) show(form.dataset.secret, about(answer), secret);
  if (password) form.elements.password.value = "";
  if ("reset" in form.dataset) form.reset();
  if (form.dataset.open) location.assign(form.dataset.open + answer.id);
}

if (dialog) {
  dialog.addEventListener("close", () => (byId("secret-value").textContent = ""));
  document.addEventListener("placet:done", finish);
  // Before api-form.js reads the form.
  document.addEventListener(
    "submit",
    ({ target }) => {
      if ("makePassword" in target.dataset) target.elements.password.value = randomPassword();
    },
    true,
  );
}
