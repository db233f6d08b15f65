// The second step before an act that is of high risk or cannot be undone is allowed: the button is held, by pointer or
// key, or the act's name is typed. A press that is too short says so.
import { onContent } from "./swap.js";

const HOLD = 800;
const KEYS = ["Enter", " "];
let held = null; // { button, timer, isByPointer }

const confirmation = (button) => button.form.querySelector("[data-phrase]");

function begin(button, isByPointer) {
  cancel();
  button.classList.add("holding");
  held = { button, isByPointer, timer: setTimeout(() => finish(button), HOLD) };
}

function cancel() {
  if (!held) return;
  clearTimeout(held.timer);
  held.button.classList.remove("holding");
  held = null;
}

function finish(button) {
  cancel();
  const input = confirmation(button);
  const typed = input.value;
  input.value = input.dataset.phrase;
  button.form.requestSubmit(button);
  input.value = typed;
}

// A form that allows the act without either step is not sent.
function checkSubmit(event) {
  const button = event.submitter;
  if (!button?.matches("[data-hold]")) return;
  const input = confirmation(button);
  if (input.value.trim() === input.dataset.phrase) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  button.form.querySelector("[data-hold-words]").textContent = "Not sent: hold the button for a second.";
}

document.addEventListener("submit", checkSubmit, true);
document.addEventListener("pointerdown", ({ target, button }) => {
  const pressed = target.closest?.("[data-hold]");
  // A button that was just put there takes no press yet.
  if (pressed && button === 0 && !pressed.closest("[data-settling]")) begin(pressed, true);
});
for (const end of ["pointerup", "pointercancel", "blur"]) addEventListener(end, cancel);
document.addEventListener("pointermove", ({ clientX, clientY }) => {
  if (held?.isByPointer && document.elementFromPoint(clientX, clientY)?.closest("[data-hold]") !== held.button) cancel();
});
document.addEventListener("keydown", (event) => {
  if (!KEYS.includes(event.key) || !event.target.matches?.("[data-hold]")) return;
  event.preventDefault();
  if (!event.repeat) begin(event.target, false);
});
// A short press by key is a press, as a click is: it is sent if the name is typed.
document.addEventListener("keyup", ({ key }) => {
  if (!held || held.isByPointer || !KEYS.includes(key)) return;
  const { button } = held;
  cancel();
  button.form.requestSubmit(button);
});
// A long touch opens no menu.
document.addEventListener("contextmenu", (event) => event.target.closest?.("[data-hold]") && event.preventDefault());

onContent((root) => {
  for (const fold of root.querySelectorAll("[data-second-step]")) {
    fold.open = false;
    fold.querySelector("[data-hold-hint]").hidden = false;
  }
});
