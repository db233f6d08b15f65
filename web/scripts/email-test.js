// Shows what the mail server answered to a test e-mail.
import { byId } from "./dom.js";

document.addEventListener("placet:done", ({ target: form, detail: { to, accepted, error } }) => {
  if (form.id !== "email-test") return;
  const shown = byId("email-tested");
  shown.textContent = accepted ? `Sent to ${to}.` : `Not sent to ${to}: ${error}`;
  shown.className = `code ${accepted ? "good" : "bad"}`;
  shown.hidden = false;
});
