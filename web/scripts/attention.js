// Whether somebody is in front of the page: it is visible and had input within the last minutes.
const ATTENTION_SPAN = 5 * 60_000;
const INPUTS = ["pointermove", "pointerdown", "keydown", "wheel", "scroll", "focus"];

let lastInput = Date.now();

export const isAttended = () => !document.hidden && Date.now() - lastInput < ATTENTION_SPAN;

// Calls `action` when somebody comes back to the page, perhaps after a night.
export function onReturn(action) {
  for (const input of INPUTS) addEventListener(input, () => noteInput(action), { capture: true, passive: true });
  addEventListener("pageshow", ({ persisted }) => persisted && action());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    lastInput = Date.now();
    action();
  });
}

function noteInput(action) {
  const wasAttended = isAttended();
  lastInput = Date.now();
  if (!wasAttended && isAttended()) action();
}
