// Says something to screen readers without moving the focus.
import { byId } from "./dom.js";

export function announce(sentence) {
  const region = byId("announcements");
  if (!region) return;
  region.textContent = "";
  requestAnimationFrame(() => (region.textContent = sentence));
}
