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

// The button and Enter send the form by `deliver`; `sent` says that it arrived. A sandboxed frame never gets to submit a
// form, not even to say that it would.
function sendWith(deliver, sent) {
  async function send() {
    if (!form.reportValidity()) return;
    show(problem, "");
    button.disabled = true;
    try {
      await deliver();
      close(sent);
      Placet.toast(sent, "success");
    } catch (error) {
      show(problem, error.message);
      button.disabled = false;
    }
    Placet.resize();
  }
  button.addEventListener("click", send);
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.matches("textarea, select, button")) return;
    event.preventDefault();
    if (!button.hidden && !button.disabled) send();
  });
}
