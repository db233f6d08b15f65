// Around plugins' frames: loads them, and answers what they ask, each frame for its own message
// only.
//
//   <iframe sandbox="allow-scripts" title="..." data-placet-plugin="NAME"
//     data-placet-init='{"data":{},"attachments":[],"message":{"id":"..."},"review":null,"isPreview":false}'>
//   </iframe>
//
// The settings that are not secret (`env`: what is set, else the default) come from the API. The
// page hears of a frame by events on its iframe, which bubble: `placet:responded` (detail: the
// message), `placet:toast` ({message, kind}), `placet:emit` ({action, data}) and `placet:missing`,
// when there is no such plugin. The page's policy needs script-src, connect-src and frame-src
// 'self'; heights are set through the object model, which no style-src concerns.
"use strict";
(() => {
  const TALLEST = 4000;
  const KINDS = ["success", "error", "warning", "info"];
  const frames = new Map(); // window of a frame -> its iframe
  const dark = matchMedia("(prefers-color-scheme: dark)");

  function theme() {
    const chosen = document.documentElement.dataset.theme;
    return chosen === "dark" || chosen === "light" ? chosen : dark.matches ? "dark" : "light";
  }

  const initOf = (iframe) => JSON.parse(iframe.dataset.placetInit);

  let asked;
  const plugins = () =>
    (asked ??= fetch("/api/plugins")
      .then((answer) => {
        if (!answer.ok) throw new Error(answer.status);
        return answer.json();
      })
      .catch((error) => {
        asked = undefined; // the next frame asks again
        throw error;
      }));

  async function envOf(iframe) {
    const plugin = (await plugins()).find((it) => it.name === iframe.dataset.placetPlugin);
    const shown = (plugin?.env ?? []).filter((it) => !it.secret);
    return Object.fromEntries(shown.map((it) => [it.key, it.value ?? it.default ?? null]));
  }

  // Points the frame at its plugin, or takes it away when there is none of that name.
  async function load(iframe) {
    const name = iframe.dataset.placetPlugin;
    let trouble = `The plugin “${name}” that should draw this is not installed.`;
    try {
      if ((await plugins()).some((it) => it.name === name)) {
        iframe.src = `/api/plugins/${encodeURIComponent(name)}/render`;
        return;
      }
    } catch {
      trouble = `The plugin “${name}” that should draw this could not be read.`;
    }
    iframe.hidden = true;
    iframe.closest("[data-plugin-card]")?.setAttribute("data-missing", "");
    iframe.insertAdjacentText("afterend", trouble);
    event(iframe, "missing");
  }
  const send = (iframe, kind, body, id) => iframe.contentWindow.postMessage({ placet: kind, id, body }, "*");
  const event = (iframe, kind, detail) =>
    iframe.dispatchEvent(new CustomEvent(`placet:${kind}`, { detail, bubbles: true }));

  async function post(path, body) {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.message);
    return said;
  }

  function asDataUrl(blob) {
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.onerror = () => reject(reader.error);
      reader.readAsDataURL(blob);
    });
  }

  // What a frame may ask, and what it is told.
  const questions = {
    fetch: (iframe, { url, method, headers, body }) =>
      post(`/api/plugins/${encodeURIComponent(iframe.dataset.placetPlugin)}/fetch`, { url, method, headers, body }),
    async getFile(iframe, { id }) {
      // Only files of the frame's own message.
      const attachment = initOf(iframe).attachments.find((it) => it.id === id);
      const answer = attachment && (await fetch(`/api/files/${encodeURIComponent(id)}/download`));
      if (!answer?.ok) return { ok: false, data: null, mimeType: null, filename: null };
      const { mimeType, filename } = attachment;
      return { ok: true, data: await asDataUrl(new Blob([await answer.blob()], { type: mimeType })), mimeType, filename };
    },
    async respond(iframe, { response }) {
      const { message, isPreview } = initOf(iframe);
      if (isPreview) throw new Error("A preview cannot answer.");
      const answered = await post(`/api/messages/${encodeURIComponent(message.id)}/respond`, { response });
      event(iframe, "responded", answered);
      return answered.review;
    },
  };

  // What a frame may say without an answer.
  const notices = {
    async ready(iframe) {
      send(iframe, "init", { ...initOf(iframe), env: await envOf(iframe), theme: theme() });
    },
    resize(iframe, { height }) {
      if (Number.isFinite(height)) iframe.style.height = `${Math.min(Math.max(height, 0), TALLEST)}px`;
    },
    toast(iframe, { message, kind }) {
      event(iframe, "toast", { message: String(message).slice(0, 500), kind: KINDS.includes(kind) ? kind : "info" });
    },
    emit: (iframe, { action, data }) => event(iframe, "emit", { action, data }),
  };

  addEventListener("message", async ({ source, data }) => {
    const iframe = frames.get(source);
    if (!iframe || !data) return;
    if (Object.hasOwn(notices, data.placet)) {
      notices[data.placet](iframe, data.body ?? {});
    } else if (Object.hasOwn(questions, data.placet)) {
      let body;
      try {
        body = { value: await questions[data.placet](iframe, data.body ?? {}) };
      } catch (error) {
        body = { error: error.message || "It did not work." };
      }
      send(iframe, "answer", body, data.id);
    }
  });

  function retheme() {
    for (const iframe of frames.values()) send(iframe, "theme", { theme: theme() });
  }
  dark.addEventListener("change", retheme);
  new MutationObserver(retheme).observe(document.documentElement, { attributeFilter: ["data-theme"] });

  // Frames that come later, with a piece of the page, are adopted like those that are there.
  function adopt() {
    for (const [frame, iframe] of frames) if (!iframe.isConnected) frames.delete(frame);
    for (const iframe of document.querySelectorAll("iframe[data-placet-plugin]")) {
      if (frames.has(iframe.contentWindow)) continue;
      frames.set(iframe.contentWindow, iframe);
      load(iframe);
    }
  }
  adopt();
  new MutationObserver(adopt).observe(document, { childList: true, subtree: true });
})();
