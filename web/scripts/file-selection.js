// Selects files of the list, to download or delete them together.
import { callApi } from "./api.js";
import { whileBusy } from "./busy-button.js";
import { byId, create } from "./dom.js";
import { refresh } from "./refresh.js";
import { onContent } from "./swap.js";
import { toast } from "./toast.js";

const MAX_FILES = 100; // of one call
const bar = byId("chosen");
const selected = new Set();
const boxes = () => [...document.querySelectorAll("[data-pick]")];

function select(box, isSelected) {
  box.checked = isSelected;
  if (isSelected) selected.add(box.dataset.pick);
  else selected.delete(box.dataset.pick);
}

function selectAll(isSelected) {
  for (const box of boxes()) select(box, isSelected);
  showCount();
}

function showCount() {
  bar.hidden = selected.size === 0;
  byId("chosen-count").textContent = `${selected.size} selected`;
  document.body.classList.toggle("choosing", selected.size > 0);
}

// Files that are not on the page any more are not selected any more.
function keepSelection() {
  const shown = boxes();
  const ids = new Set(shown.map((box) => box.dataset.pick));
  for (const id of [...selected]) if (!ids.has(id)) selected.delete(id);
  for (const box of shown) box.checked = selected.has(box.dataset.pick);
  showCount();
}

function selectedIds() {
  if (selected.size > MAX_FILES) throw new Error(`At most ${MAX_FILES} files at once.`);
  return [...selected];
}

async function download() {
  const response = await fetch("/api/files/bulk-download", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ids: selectedIds() }),
  });
  if (!response.ok) {
    const { message } = await response.json().catch(() => ({}));
    throw new Error(message ?? `It failed (${response.status}).`);
  }
  if (response.redirected) {
    // A large archive is in storage: the browser fetches it by itself.
    await response.body?.cancel();
    location.assign(response.url);
    return;
  }
  const link = create("a", { href: URL.createObjectURL(await response.blob()), download: "files.zip" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function remove() {
  const ids = selectedIds();
  const what = ids.length === 1 ? "this file" : `these ${ids.length} files`;
  if (!confirm(`Delete ${what}? They are also removed from their messages. This cannot be undone.`)) return;
  const { count } = await callApi("POST", "/api/files/bulk-delete", { ids });
  toast(count === 1 ? "1 file is deleted." : `${count} files are deleted.`, "success");
  selected.clear();
  showCount();
  await refresh();
}

function start() {
  document.addEventListener("change", ({ target }) => {
    if (target.dataset?.pick) {
      select(target, target.checked);
      showCount();
    } else if (target.id === "agent-filter") target.form.requestSubmit();
  });
  byId("choose-all").addEventListener("click", () => selectAll(true));
  byId("choose-none").addEventListener("click", () => selectAll(false));
  byId("download-chosen").addEventListener("click", ({ currentTarget }) => whileBusy(currentTarget, download));
  byId("delete-chosen").addEventListener("click", ({ currentTarget }) => whileBusy(currentTarget, remove));
  document.querySelector(".pills [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  onContent(keepSelection);
}

if (bar) start();
