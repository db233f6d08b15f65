// No press lands on something that took the place of what it was meant for.
//
// A part that was just put into the page (the pane, the answer) takes no press for a moment. Somebody who
// keeps pressing the spot that they pressed before the change is waiting for the network: each such press
// starts the moment anew, so it never reaches what is there now. A held key presses once.
import { byId } from "./dom.js";
import { onContent } from "./swap.js";

const QUIET = 600;
const NEAR = 48; // pixels
const GUARDED = "#pane, #answer, #next";
const guards = new Map(); // element -> { until, spot: where the press before the change was }
let lastPress = null;

function guard(element) {
  element.dataset.settling = "";
  guards.set(element, { until: performance.now() + QUIET, spot: lastPress });
  release(element);
}

// Ends the guard of an element once its moment is over.
function release(element) {
  const { until } = guards.get(element);
  const left = until - performance.now();
  if (left > 0) return setTimeout(() => release(element), left);
  guards.delete(element);
  delete element.dataset.settling;
}

const isNear = (spot, { clientX, clientY }) => spot && Math.hypot(spot.x - clientX, spot.y - clientY) < NEAR;

const guardOf = (target) => [...guards].find(([element]) => element.contains(target))?.[1];

function ignore(event, state) {
  event.preventDefault();
  event.stopImmediatePropagation();
  // A click without coordinates comes from the keyboard.
  if (!("clientX" in event) || event.detail === 0 || isNear(state.spot, event)) state.until = performance.now() + QUIET;
}

function checkClick(event) {
  const state = guardOf(event.target);
  if (state) ignore(event, state);
}

// A button that is held starts with the press.
function checkPress(event) {
  lastPress = { x: event.clientX, y: event.clientY };
  if (guardOf(event.target) && event.target.closest("button")) event.stopImmediatePropagation();
}

const PRESSING = ["Enter", " "];
const isWriting = (element) => element.matches?.("textarea, input:not([type=checkbox], [type=radio])");

function checkKey(event) {
  if (!PRESSING.includes(event.key) || isWriting(event.target)) return;
  const state = guardOf(event.target);
  if (state) ignore(event, state);
  else if (event.repeat) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}

if (byId("pane")) {
  document.addEventListener("pointerdown", checkPress, true);
  document.addEventListener("click", checkClick, true);
  document.addEventListener("keydown", checkKey, true);
  onContent((root) => root !== document && root.matches?.(GUARDED) && guard(root));
}
