// The inbox at the keyboard, and its panes: a review opens beside the list without reading the
// whole page anew where there is room for both.
"use strict";
(() => {
  const wide = matchMedia("(min-width: 900px)");
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const typing = (element) => element.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");

  // Opening a review: only the pane is swapped, and the URL is the review's own.
  let trouble = "";
  document.addEventListener("htmx:responseError", () => (trouble = "answer"));
  document.addEventListener("htmx:sendError", () => (trouble = "connection"));
  async function open(path) {
    trouble = "";
    mark(path); // at once, however slow the network is
    await htmx.ajax("GET", path, { target: "#pane", select: "#pane", swap: "outerHTML show:none" });
    if (trouble === "answer") return location.assign(path); // it says what is wrong
    if (trouble === "connection") {
      placet.toast("There is no connection: the request could not be opened.", "error");
      return mark(location.pathname);
    }
    history.pushState({}, "", path);
    opened();
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
      if (event.detail === 0) document.getElementById("pane").focus(); // by the keyboard
    });
  });
  addEventListener("popstate", () => location.reload());

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
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
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
  const mayAsk = () => "Notification" in window && Notification.permission === "default";
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
