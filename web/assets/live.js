// Keeps a page fresh. It holds one bounded wait for the next change of what its person is shown;
// after each it reads itself anew and takes over what differs in the elements that say so:
//
//   data-live           the element is replaced as a whole (it has an id)
//   data-live-items     its children, each with an id, come, change and go one by one; their order
//                       is that of their ids
//
// The page's other scripts hear `placet:fresh` on an element that took somebody's place, and
// `placet:swapped` on document after htmx changed a part of the page.
"use strict";
const placet = (() => {
  const WAIT = 29_000;
  const LATE = 1_500; // an index may lag a moment behind the change that was announced
  const served = new Map(); // id -> the element as the server wrote it, to tell whether it changed
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  let since = document.body.dataset.changes;
  let pending = count(document);

  // Notes elements that are as the server wrote them: before anything else touches them.
  const LIVE = "[data-live], [data-live-items] > [id]";
  function remember(root) {
    if (root.matches?.(LIVE)) served.set(root.id, root.outerHTML);
    for (const element of root.querySelectorAll(LIVE)) served.set(element.id, element.outerHTML);
  }

  function count(root) {
    return Number(root.getElementById?.("pending")?.dataset.count ?? 0);
  }

  // Puts `next` where `old` is, unless they are the same as the server wrote them.
  function replace(old, next) {
    if (served.get(next.id) === next.outerHTML) return false;
    put(old, next);
    return true;
  }

  let puts = 0;
  function put(old, next) {
    puts += 1;
    served.set(next.id, next.outerHTML);
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
      served.set(id, item.outerHTML);
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
    const mine = turn.then(read);
    turn = mine.catch(() => {});
    return mine;
  }

  // Takes over what the server says of this page now; whether anything differed.
  async function read() {
    const before = puts;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (new URL(answer.url).pathname === "/login") {
      location.reload();
      return true;
    }
    if (!answer.ok) return false;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (puts !== before) return read(); // something newer was shown meanwhile
    let changed = false;
    for (const next of page.querySelectorAll("[data-live]")) {
      const old = document.getElementById(next.id);
      if (old) changed = replace(old, next) || changed;
    }
    for (const next of page.querySelectorAll("[data-live-items]")) {
      const old = document.getElementById(next.id);
      if (old) changed = replaceItems(old, next) || changed;
    }
    document.title = page.title;
    const waiting = count(page);
    if (waiting > pending) announce(page);
    pending = waiting;
    return changed;
  }

  function announce(page) {
    if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
    const newest = page.querySelector("[data-row].unread .excerpt")?.textContent ?? "An agent asks for an answer.";
    const shown = new Notification("Placet", { body: newest, icon: "/assets/icon-192.png", tag: "placet" });
    shown.onclick = () => {
      window.focus();
      shown.close();
    };
  }

  async function watch() {
    for (let failures = 0; ; ) {
      try {
        const answer = await fetch(`/api/changes?since=${since}&timeout=${WAIT}`, { signal: AbortSignal.timeout(WAIT + 10_000) });
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
        failures += 1;
        if (failures > 1) offline(true);
        await sleep(Math.min(30_000, 500 * 2 ** failures) * (0.5 + Math.random() / 2));
      }
    }
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

  // A session lasts seven days: it is renewed once a day by whoever comes back.
  async function renew() {
    const last = Number(localStorage.getItem("placet:renewed") ?? 0);
    if (Date.now() - last < 86_400_000) return;
    localStorage.setItem("placet:renewed", String(Date.now()));
    if (last > 0) await fetch("/api/auth/refresh", { method: "POST" });
  }

  function toast(message, kind = "info") {
    const shown = document.createElement("p");
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
  addEventListener("online", () => refresh().catch(() => {}));
  watch();
  renew().catch(() => {});

  return { refresh, put, tick, toast };
})();
