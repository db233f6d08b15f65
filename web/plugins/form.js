// The parts of a plugin's form, and what ends it.
const form = document.querySelector("form");
const fields = form.querySelector("fieldset");
const button = form.querySelector("button");
const [problem, done] = ["alert", "status"].map((role) => form.querySelector(`[role="${role}"]`));

function close(text) {
  fields.disabled = true;
  button.hidden = true;
  show(done, text);
}

// A sandboxed frame never gets to submit a form, not even to say that it would.
function sendWith(send) {
  button.addEventListener("click", send);
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.matches("textarea, select, button")) return;
    event.preventDefault();
    if (!button.hidden && !button.disabled) send();
  });
}
