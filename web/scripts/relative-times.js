// Shows times as they pass, and in the reader's own zone:
//
//   <time datetime="…" data-age>      how long ago
//   <time datetime="…" data-left>     how long until then
//   <time datetime="…" data-due>      by when, and in the last two minutes how long until then
//   <time datetime="…" data-moment>   the date and the time of day
//   <time datetime="…" data-clock>    the time of day
import { onContent } from "./swap.js";

const INTERVAL = 15_000;
const SECOND = 1_000;
const COUNTDOWN = 120_000; // counted by the second
const URGENT = 15 * 60_000;
const AS_TIME = 36 * 3_600_000; // shown with the time of day
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
    else if ("due" in time.dataset) showDue(time, at);
    else if ("clock" in time.dataset) {
      time.textContent = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    } else if ("moment" in time.dataset) {
      time.textContent = at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    }
    time.title = at.toLocaleString();
  }
}

function showDue(time, at) {
  const left = at - Date.now();
  time.classList.toggle("urgent", left < URGENT);
  time.textContent = dueWords(at, left);
}

function dueWords(at, left) {
  if (left <= 0) return "expired";
  if (left < COUNTDOWN) return `${Math.floor(left / 60_000)}:${String(Math.floor(left / 1000) % 60).padStart(2, "0")} left`;
  if (left > AS_TIME) return `${span(left)} left`;
  const isToday = at.toDateString() === new Date().toDateString();
  const day = isToday ? "" : `${at.toLocaleDateString([], { weekday: "short" })} `;
  return `by ${day}${at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
}

// What is due within two minutes, or was just now.
function countDown() {
  for (const time of document.querySelectorAll("time[data-due]")) {
    const at = new Date(time.dateTime);
    if (Math.abs(at - Date.now()) < COUNTDOWN) showDue(time, at);
  }
}

onContent(showTimes);
setInterval(countDown, SECOND);
setInterval(() => showTimes(document), INTERVAL);
