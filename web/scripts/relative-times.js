// Shows times as they pass, and in the reader's own zone:
//
//   <time datetime="…" data-age>      how long ago
//   <time datetime="…" data-left>     how long until then
//   <time datetime="…" data-moment>   the date and the time of day
import { onContent } from "./swap.js";

const INTERVAL = 15_000;
const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

function span(ms) {
  const [size, unit] = UNITS.find(([size]) => ms >= size) ?? UNITS.at(-1);
  return `${Math.max(0, Math.floor(ms / size))} ${unit}`;
}

function showTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if ("age" in time.dataset) time.textContent = span(Date.now() - at);
    else if ("left" in time.dataset) time.textContent = span(at - Date.now());
    else if ("moment" in time.dataset) {
      time.textContent = at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    }
    time.title = at.toLocaleString();
  }
}

onContent(showTimes);
setInterval(() => showTimes(document), INTERVAL);
