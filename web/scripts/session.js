// Renews the session, and removes what this tab kept when the person signs out.
//
// A session lasts seven days. A person who comes back after three has it renewed once the page is loaded and
// before anything else is requested, because the old cookie is not valid any more then.
import { abortAfter } from "./timing.js";

const RENEWED_AT = "placet:renewed";
const RENEW_AFTER = 3 * 86_400_000;

export const isFirstVisit = localStorage.getItem(RENEWED_AT) === null;

// Fulfilled once the session is renewed, or needs no renewal.
export const renewed = renew().catch(() => {});

async function renew() {
  const last = Number(localStorage.getItem(RENEWED_AT) ?? 0);
  if (Date.now() - last < RENEW_AFTER) return;
  localStorage.setItem(RENEWED_AT, String(Date.now()));
  if (last === 0) return;
  if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done, { once: true }));
  await fetch("/api/auth/refresh", { method: "POST", keepalive: true, signal: abortAfter(8_000) });
}

function removeDrafts({ target }) {
  if (target.getAttribute("action") !== "/logout") return;
  for (const key of Object.keys(sessionStorage)) if (key.startsWith("placet:")) sessionStorage.removeItem(key);
  for (const key of [RENEWED_AT, "placet:later", "placet:push"]) localStorage.removeItem(key);
}

document.addEventListener("submit", removeDrafts, true);
