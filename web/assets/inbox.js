// The inbox at the keyboard, and its panes: a review opens beside the list without reading the
// whole page anew where there is room for both.
"use strict";
(() => {
  const wide = matchMedia("(min-width: 900px)");
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const typing = (element) => element.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");

  // Opening a review: only the pane is changed, and the URL is the review's own. The last one that
  // was asked for is opened, and nothing of the one before can be pressed meanwhile.
  let opening = 0;
  let shownPath = location.pathname + location.search;
  async function open(path) {
    const mine = ++opening;
    const pane = document.getElementById("pane");
    pane.inert = true;
    mark(path); // at once, however slow the network is
    try {
      const answer = await fetch(path, { headers: { Accept: "text/html" }, signal: placet.limit(15_000) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.getElementById("pane");
      if (mine !== opening) return;
      if (!answer.ok || !next) return location.assign(path); // it says what is wrong
      history.pushState({}, "", path);
      shownPath = location.pathname + location.search;
      const taken = document.importNode(next, true);
      placet.remember(taken);
      pane.replaceWith(taken);
      htmx.process(taken);
      placet.tick(taken);
      document.title = page.title;
      document.dispatchEvent(new CustomEvent("placet:swapped"));
      opened();
    } catch {
      if (mine !== opening) return;
      placet.toast("There is no connection: the request could not be opened.", "error");
      mark(location.pathname);
    } finally {
      if (mine === opening) document.getElementById("pane").inert = false;
    }
  }

  function mark(path) {
    const here = new URL(path, location.href).pathname;
    for (const row of rows()) {
      const isThis = new URL(row.href).pathname === here;
      if (isThis) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  function opened() {
    const here = location.pathname;
    mark(here);
    const row = rows().find((it) => it.getAttribute("aria-current"));
    row?.classList.remove("unread");
    row?.querySelector(".dot")?.remove();
    row?.scrollIntoView({ block: "nearest" });
    document.getElementById("main").classList.toggle("open", here !== "/");
    document.getElementById("pane").scrollTop = 0;
    if (!wide.matches) scrollTo(0, 0);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-row], a[data-next], .versions a, .back");
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    open(link.getAttribute("href")).then(() => {
      // Where the list and the pane take each other's place, focus goes along.
      if (wide.matches && event.detail !== 0) return;
      const list = rows()[0] ?? document.getElementById("search");
      (location.pathname === "/" ? list : document.getElementById("pane")).focus({ preventScroll: true });
    });
  });
  addEventListener("popstate", () => {
    if (location.pathname + location.search !== shownPath) location.reload();
  });

  function move(step) {
    const all = rows();
    if (all.length === 0) return;
    const current = all.indexOf(document.activeElement.closest?.("[data-row]"));
    const selected = current >= 0 ? current : all.findIndex((row) => row.getAttribute("aria-current"));
    const next = all[Math.min(Math.max(selected + step, 0), all.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  // The nth option or item: options wait for Enter, items are chosen.
  function choose(n) {
    const choice = document.querySelectorAll("#answer [data-choice]")[n - 1];
    if (!choice) return;
    choice.focus();
    if (choice.matches("input")) choice.click();
  }

  const help = document.getElementById("keys");
  const off = document.getElementById("keys-off"); // for whoever speaks to the page instead of typing
  off.checked = localStorage.getItem("placet:keys-off") === "true";
  off.addEventListener("change", () => localStorage.setItem("placet:keys-off", String(off.checked)));
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    "/": () => document.getElementById("search").focus(),
    "?": () => help.showModal(),
    Escape: () => {
      const row = rows().find((it) => it.getAttribute("aria-current")) ?? rows()[0];
      if (wide.matches) row?.focus();
      else document.querySelector(".back")?.click();
    },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open || off.checked) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const act = keys[event.key] ?? (/^[1-9]$/.test(event.key) ? () => choose(Number(event.key)) : null);
    if (!act) return;
    event.preventDefault();
    act();
  });
  const button = document.getElementById("keys-button");
  button.hidden = false;
  button.addEventListener("click", () => help.showModal());

  // Asking whether we may notify takes a press of somebody's.
  const notify = document.getElementById("notify-button");
  const mayAsk = () => "Notification" in window && Notification.permission === "default" && !/Android/.test(navigator.userAgent);
  notify.hidden = !mayAsk();
  notify.addEventListener("click", async () => {
    const said = await Notification.requestPermission();
    notify.hidden = !mayAsk();
    if (said === "granted") placet.toast("New requests are announced while this page is in the background.", "success");
  });

  document.addEventListener("placet:fresh", ({ target }) => {
    if (target.id === "rows") mark(location.pathname);
  });
})();
