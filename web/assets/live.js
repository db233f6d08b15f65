// Keeps a page fresh. It holds one bounded wait for the next change of what its person is shown;
// after each it reads itself anew and takes over what differs in the elements that say so:
//
//   data-live           the element is replaced as a whole (it has an id)
//   data-live-items     its children, each with an id, come, change and go one by one; their order
//                       is that of their ids
//
// The page's other scripts hear `placet:fresh` on an element that took somebody's place, and
// `placet:swapped` on document after htmx changed a part of the page. `placet:gone` asks them whether
// the page stays though what it is about is not there any more.
"use strict";
const placet = (() => {
  const WAIT = 29_000;
  const LATE = 1_500; // an index may lag a moment behind the change that was announced
  const SLOW = 30_000; // how often a page looks that nobody sees and that may not notify
  const PATIENCE = 15_000;
  const served = new Map(); // id -> the element as the server wrote it, to tell whether it changed
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  let since = document.body.dataset.changes;
  let pending = count(document);

  // Notes elements that are as the server wrote them: before anything else touches them.
  const LIVE = "[data-live], [data-live-items] > [id]";
  function remember(root) {
    if (root.matches?.(LIVE)) served.set(root.id, said(root));
    for (const element of root.querySelectorAll(LIVE)) served.set(element.id, said(element));
  }

  // What an element says, but for the times that pass by themselves and for what a plugin's frame
  // was told at its start: an answer is no reason to load it anew.
  function said(element) {
    return element.outerHTML.replace(/(<time\b[^>]*>)[^<]*/g, "$1").replace(/ data-placet-init="[^"]*"/g, "");
  }

  // Which review a page has open.
  const subject = (root) => root.querySelector("#review")?.dataset.review ?? "";

  // A signal that comes after so many milliseconds.
  function limit(ms, controller = new AbortController()) {
    setTimeout(() => controller.abort(), ms);
    return controller.signal;
  }

  function count(root) {
    return Number(root.getElementById?.("pending")?.dataset.count ?? 0);
  }

  // Puts `next` where `old` is, unless they are the same as the server wrote them.
  function replace(old, next) {
    if (served.get(next.id) === said(next)) return false;
    // A form that still waits stays as it is, with what is typed in it.
    if (next.id === "answer" && old.querySelector("[data-answer]") && next.querySelector("[data-answer]")) return false;
    put(old, next);
    return true;
  }

  let puts = 0;
  function put(old, next) {
    puts += 1;
    served.set(next.id, said(next));
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    const taken = document.importNode(next, true);
    old.replaceWith(taken);
    started(taken);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  function started(element) {
    window.htmx?.process(element);
    tick(element);
    element.dispatchEvent(new CustomEvent("placet:fresh", { bubbles: true }));
  }

  function replaceItems(list, next) {
    let changed = false;
    const there = new Map([...list.children].map((item) => [item.id, item]));
    const fresh = new Map([...next.children].map((item) => [item.id, item]));
    const oldest = [...fresh.keys()].sort()[0] ?? "";
    for (const [id, item] of there) {
      // What is older than all that was read is not gone: it is on another page of the list.
      if (!fresh.has(id) && id >= oldest) {
        item.remove();
        changed = true;
      }
    }
    for (const [id, item] of fresh) {
      if (there.has(id)) {
        changed = replace(there.get(id), item) || changed;
        continue;
      }
      served.set(id, said(item));
      const added = document.importNode(item, true);
      added.classList.add("row-new");
      const after = [...list.children].find((other) => other.id > id);
      if (after) after.before(added);
      else list.append(added);
      started(added);
      changed = true;
    }
    return changed;
  }

  // One at a time: of two answers that cross on their way, the older must not come last.
  let turn = Promise.resolve();
  function refresh() {
    const mine = turn.then(() => read());
    turn = mine.catch(() => {});
    return mine;
  }

  // Takes over what the server says of this page now; whether anything differed.
  async function read(path = location.href) {
    const [before, here] = [puts, location.href];
    const answer = await fetch(path, { headers: { Accept: "text/html" }, signal: limit(PATIENCE) });
    if (new URL(answer.url).pathname === "/login") {
      location.reload();
      return true;
    }
    if (answer.status === 404 && location.href === here) {
      // What was open is not there any more. A page where somebody writes says so, and stays.
      const stays = !document.dispatchEvent(new CustomEvent("placet:gone", { cancelable: true }));
      if (stays) return document.getElementById("rows") !== null && read(`/${location.search}`);
      location.replace("/");
      return true;
    }
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (puts !== before || location.href !== here) return read(); // something newer is shown by now
    const same = subject(page) === subject(document);
    let changed = false;
    for (const next of page.querySelectorAll("[data-live]")) {
      const old = document.getElementById(next.id);
      // Nothing of one review is ever put under another.
      if (old?.closest("#review") && !same) continue;
      if (old) changed = replace(old, next) || changed;
    }
    for (const next of page.querySelectorAll("[data-live-items]")) {
      const old = document.getElementById(next.id);
      if (old) changed = replaceItems(old, next) || changed;
    }
    document.title = page.title;
    const [was, waiting] = [pending, count(page)];
    pending = waiting;
    if (waiting > was) announce(page);
    return changed;
  }

  function announce(page) {
    if (!document.hidden || !mayNotify()) return;
    const newest = page.querySelector("[data-row].unread .excerpt")?.textContent ?? "An agent asks for an answer.";
    try {
      const shown = new Notification("Placet", { body: newest, icon: "/assets/icon-192.png", tag: "placet" });
      shown.onclick = () => {
        window.focus();
        shown.close();
      };
    } catch {
      // Browsers of phones have the word and not the thing.
    }
  }

  function mayNotify() {
    return "Notification" in window && Notification.permission === "granted";
  }

  // Waits for the next change, and ends early when the page comes to sight. A page that nobody sees
  // holds no connection, unless it may notify: it looks now and then.
  let wait = new AbortController();
  let shown = null;
  async function nextChange() {
    const unseen = document.hidden && !mayNotify();
    if (unseen) await Promise.race([sleep(SLOW), new Promise((done) => (shown = done))]);
    const timeout = unseen ? 1 : WAIT;
    wait = new AbortController();
    return fetch(`/api/changes?since=${since}&timeout=${timeout}`, { signal: limit(timeout + 10_000, wait) });
  }

  async function watch() {
    for (let failures = 0; ; ) {
      try {
        const answer = await nextChange();
        if (answer.status === 401) {
          location.reload();
          return;
        }
        if (!answer.ok) throw new Error(answer.status);
        const { sequence } = await answer.json();
        if (failures > 0) await refresh();
        failures = 0;
        offline(false);
        if (String(sequence) === since) continue;
        since = String(sequence);
        if (!(await refresh())) setTimeout(() => refresh().catch(() => {}), LATE);
      } catch {
        if (woken) {
          woken = false;
          continue;
        }
        failures += 1;
        if (failures > 1) offline(true);
        await sleep(Math.min(30_000, 500 * 2 ** failures) * (0.5 + Math.random() / 2));
      }
    }
  }

  // Somebody looks again, perhaps after a night: whatever was waited for then is dead by now.
  let woken = false;
  function wake() {
    if (document.hidden) return;
    woken = true;
    wait.abort();
    shown?.();
    refresh().catch(() => {});
  }

  function offline(is) {
    document.getElementById("offline").hidden = !is;
  }

  // Times, as they pass and in the reader's own zone.
  const units = [
    [86_400_000, "d"],
    [3_600_000, "h"],
    [60_000, "min"],
    [1_000, "s"],
  ];
  function span(ms) {
    const [unit, word] = units.find(([unit]) => ms >= unit) ?? units[3];
    return `${Math.max(0, Math.floor(ms / unit))} ${word}`;
  }
  function tick(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if ("age" in time.dataset) time.textContent = span(Date.now() - at);
      else if ("left" in time.dataset) time.textContent = span(at - Date.now());
      else if ("moment" in time.dataset) time.textContent = at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
      time.title = at.toLocaleString();
    }
  }

  // A session lasts seven days: whoever comes back after three has it renewed, when the page is
  // there and before anything else is asked, because the cookie before is good no more then.
  async function renew() {
    const last = Number(localStorage.getItem("placet:renewed") ?? 0);
    if (Date.now() - last < 3 * 86_400_000) return;
    localStorage.setItem("placet:renewed", String(Date.now()));
    if (last === 0) return;
    if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done, { once: true }));
    await fetch("/api/auth/refresh", { method: "POST", keepalive: true, signal: limit(8_000) });
  }
  // What was typed stays on no machine that somebody signs out of.
  document.addEventListener(
    "submit",
    ({ target }) => {
      if (target.getAttribute("action") !== "/logout") return;
      for (const key of Object.keys(sessionStorage)) if (key.startsWith("placet:")) sessionStorage.removeItem(key);
      localStorage.removeItem("placet:renewed");
    },
    true,
  );

  function toast(message, kind = "info") {
    const shown = document.createElement("p");
    shown.dir = "auto";
    shown.className = `toast ${kind}`;
    shown.textContent = message;
    document.getElementById("toasts").append(shown);
    setTimeout(() => shown.remove(), kind === "error" ? 10_000 : 5_000);
  }

  remember(document);
  tick(document);
  setInterval(() => tick(document), 15_000);
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.elt.className === "") detail.elt.removeAttribute("class"); // htmx leaves an empty one
    remember(detail.elt);
    tick(detail.elt);
    document.dispatchEvent(new CustomEvent("placet:swapped"));
  });
  document.addEventListener("placet:toast", ({ detail }) => toast(detail.message, detail.kind));
  document.addEventListener("placet:responded", () => refresh().catch(() => {}));
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest?.("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).innerText);
    toast("Copied.", "success");
  });
  function reveal(root) {
    for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
    for (const place of root.querySelectorAll("[data-origin]")) place.textContent = location.origin;
  }
  reveal(document);
  document.addEventListener("placet:fresh", ({ target }) => reveal(target));
  document.addEventListener("placet:swapped", () => reveal(document));
  addEventListener("online", wake);
  document.addEventListener("visibilitychange", wake);
  addEventListener("pageshow", ({ persisted }) => persisted && wake());
  const renewed = renew().catch(() => {});
  renewed.then(watch);
  // The list that the page came with may be from before the change that it knows of.
  if (document.getElementById("rows")) setTimeout(() => refresh().catch(() => {}), LATE);

  return { refresh, put, remember, tick, toast, limit, subject, renewed };
})();
