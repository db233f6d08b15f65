// The files' page: what is chosen, previews, links to share, uploads.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const chosen = new Set();
  const MOST = 100; // of one call

  document.querySelector(".pills [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  // What is chosen
  const bar = byId("chosen");
  const boxes = () => [...document.querySelectorAll("[data-pick]")];
  function tell() {
    if (!bar) return;
    bar.hidden = chosen.size === 0;
    byId("chosen-count").textContent = `${chosen.size} chosen`;
    document.body.classList.toggle("choosing", chosen.size > 0);
  }
  function choose(box, is) {
    box.checked = is;
    if (is) chosen.add(box.dataset.pick);
    else chosen.delete(box.dataset.pick);
  }
  document.addEventListener("change", ({ target }) => {
    if (target.dataset?.pick) {
      choose(target, target.checked);
      tell();
    } else if (target.id === "agent-filter") target.form.requestSubmit();
  });
  document.addEventListener("placet:fresh", () => {
    const there = boxes();
    const ids = new Set(there.map((box) => box.dataset.pick));
    for (const id of [...chosen]) if (!ids.has(id)) chosen.delete(id);
    for (const box of there) box.checked = chosen.has(box.dataset.pick);
    tell();
  });
  byId("choose-all")?.addEventListener("click", () => {
    for (const box of boxes()) choose(box, true);
    tell();
  });
  byId("choose-none")?.addEventListener("click", () => {
    for (const box of boxes()) choose(box, false);
    tell();
  });

  async function busy(button, work) {
    if (button.disabled) return;
    button.disabled = true;
    try {
      await work();
    } catch (error) {
      placet.toast(error instanceof TypeError ? "There is no connection." : error.message, "error");
    } finally {
      button.disabled = false;
    }
  }
  function few() {
    if (chosen.size > MOST) throw new Error(`At most ${MOST} files at once.`);
    return [...chosen];
  }

  byId("download-chosen")?.addEventListener("click", ({ currentTarget }) =>
    busy(currentTarget, async () => {
      const body = JSON.stringify({ ids: few() });
      const answer = await fetch("/api/files/bulk-download", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).message ?? `It failed (${answer.status}).`);
      if (answer.redirected) {
        // A large one lies in storage: the browser fetches it by itself.
        await answer.body?.cancel();
        location.assign(answer.url);
        return;
      }
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await answer.blob());
      link.download = "files.zip";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    }),
  );
  byId("delete-chosen")?.addEventListener("click", ({ currentTarget }) =>
    busy(currentTarget, async () => {
      const ids = few();
      const what = ids.length === 1 ? "this file" : `these ${ids.length} files`;
      if (!confirm(`Delete ${what}? They go from their messages, too, and cannot be brought back.`)) return;
      const { count } = await placetCall("POST", "/api/files/bulk-delete", { ids });
      placet.toast(count === 1 ? "1 file is deleted." : `${count} files are deleted.`, "success");
      chosen.clear();
      tell();
      await placet.refresh();
    }),
  );

  // Previews
  const preview = byId("preview");
  const previewBody = byId("preview-body");
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("[data-preview]");
    if (!link || !preview || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    try {
      const answer = await fetch(link.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const file = page.getElementById("file");
      if (!answer.ok || !file) return location.assign(link.href);
      const shown = document.importNode(file, true);
      for (const form of shown.querySelectorAll("[data-then]")) form.removeAttribute("data-then");
      previewBody.replaceChildren(shown);
      started(shown);
      preview.showModal();
    } catch {
      location.assign(link.href);
    }
  });
  byId("preview-close")?.addEventListener("click", () => preview.close());
  preview?.addEventListener("click", ({ target }) => target === preview && preview.close());
  preview?.addEventListener("close", () => previewBody.replaceChildren());
  preview?.addEventListener("placet:done", () => preview.close());

  // Links
  function started(root) {
    placet.tick(root);
    for (const button of root.querySelectorAll("[data-share]")) button.hidden = false;
  }
  started(document);
  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-share], [data-copy-link]");
    if (!button) return;
    busy(button, async () => {
      if ("copyLink" in button.dataset) return copy(button.closest(".share").querySelector("input"));
      const { url } = await placetCall("GET", `/api/files/${button.dataset.share}/share`);
      const share = byId(`share-${button.dataset.share}`);
      const field = share.querySelector("input");
      field.value = url;
      share.hidden = false;
      field.select();
      if (!navigator.clipboard) share.querySelector("[data-copy-link]").hidden = true;
    });
  });
  async function copy(field) {
    field.select();
    await navigator.clipboard.writeText(field.value);
    placet.toast("Copied.", "success");
  }

  // Uploads, where this page's browser can do them
  const upload = byId("upload");
  if (!upload || !window.placetUpload) return;
  upload.hidden = false;
  const picker = byId("upload-files");
  byId("upload-button").addEventListener("click", () => picker.click());
  picker.addEventListener("change", async () => {
    await send([...picker.files]);
    picker.value = "";
  });

  async function send(files) {
    const channel = byId("upload-to").value;
    await Promise.all(files.map((file) => sendOne(channel, file)));
    await placet.refresh();
  }
  async function sendOne(channel, file) {
    const row = document.createElement("li");
    row.dir = "auto";
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.setAttribute("aria-label", file.name);
    row.append(file.name, bar);
    byId("uploads").append(row);
    try {
      await placetUpload(channel, file, (done) => (bar.value = done));
      row.remove();
    } catch (error) {
      bar.remove();
      row.className = "problem";
      row.textContent = `${file.name}: ${error.message}`;
      setTimeout(() => row.remove(), 15_000);
    }
  }

  let depth = 0;
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  const mark = () => document.body.classList.toggle("dropping", depth > 0);
  addEventListener("dragenter", (event) => {
    if (!carries(event)) return;
    depth += 1;
    mark();
  });
  addEventListener("dragleave", (event) => {
    if (!carries(event)) return;
    depth = Math.max(0, depth - 1);
    mark();
  });
  addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    depth = 0;
    mark();
    send([...event.dataTransfer.files]);
  });
})();
