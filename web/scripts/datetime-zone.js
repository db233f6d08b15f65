// Datetimes are shown and sent in the zone of the browser; without scripts they are UTC.
import { onContent } from "./swap.js";

const FIELDS = 'input[type="datetime-local"]';
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const padded = (number, length = 2) => String(Math.trunc(number)).padStart(length, "0");

// Shows the zone next to a datetime's field. Returns what is wrong with the value: clocks that go forward leave
// out an hour.
export function checkDatetime(field) {
  const shown = field.parentElement.querySelector("[data-zone]");
  const at = new Date(field.value || Date.now());
  if (shown) shown.textContent = `${zone} (UTC${offset(at)})`;
  const exists = !field.value || inputValue(field.value).slice(0, 16) === field.value.slice(0, 16);
  return exists ? "" : "does not exist on that day in your zone";
}

function offset(date) {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${padded(size / 60)}:${padded(size % 60)}`;
}

// A moment as the value of a datetime-local input, in this zone.
function inputValue(text) {
  const at = new Date(text);
  const date = `${padded(at.getFullYear(), 4)}-${padded(at.getMonth() + 1)}-${padded(at.getDate())}`;
  const clock = `${padded(at.getHours())}:${padded(at.getMinutes())}`;
  const seconds = at.getSeconds() || at.getMilliseconds() ? `:${padded(at.getSeconds())}` : "";
  const fraction = at.getMilliseconds() ? `.${padded(at.getMilliseconds(), 3)}` : "";
  return `${date}T${clock}${seconds}${fraction}`;
}

function moveIntoZone(field) {
  const { zonedMin, zonedMax, zonedValue } = field.dataset;
  if (zonedMin) field.min = inputValue(zonedMin);
  if (zonedMax) field.max = inputValue(zonedMax);
  if (zonedValue) field.value = inputValue(zonedValue);
  delete field.dataset.zonedValue;
}

function addOffsets({ target, formData }) {
  for (const field of target.querySelectorAll(FIELDS)) {
    if (field.value) formData.set(field.name.replace(/^field\./, "zone."), offset(new Date(field.value)));
  }
}

onContent((root) => {
  for (const field of root.querySelectorAll(`[data-answer] ${FIELDS}`)) moveIntoZone(field);
  for (const form of root.querySelectorAll("[data-answer]")) form.addEventListener("formdata", addOffsets);
});
