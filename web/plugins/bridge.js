// Inside a plugin's frame: defines the global `Placet`, and lets the plugin's scripts run once
// the page around the frame has sent what they draw. The frame has no origin and may load
// nothing: what it wants, it asks the page for (plugin-host.js answers).
"use strict";
(() => {
  const waiting = new Map(); // id of a question -> how to settle its promise
  const handlers = new Map(); // event -> functions
  let last = 0;
  let init;
  let parsed = document.readyState !== "loading";
  let responded = false;

  const tell = (kind, body) => parent.postMessage({ placet: kind, body }, "*");
  const ask = (kind, body) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      parent.postMessage({ placet: kind, id: last, body }, "*");
    });

  const height = () => Math.ceil(document.documentElement.getBoundingClientRect().height);
  // An object that may also be used as this text, as earlier plugins do.
  const orText = (members, text) => Object.defineProperty(members, "toString", { value: () => text });
  const Placet = {
    async fetch(url, { method = "GET", headers = {}, body = null } = {}) {
      const sent = { url: String(url), method, headers: Object.fromEntries(new Headers(headers)), body };
      const answer = await ask("fetch", sent);
      return { ok: answer.status >= 200 && answer.status < 300, ...answer };
    },
    getFile: (id) => ask("getFile", { id }),
    // A URL that works inside the frame only.
    async getFileUrl(id) {
      const file = await Placet.getFile(id);
      if (!file.ok) return orText({ ok: false, url: null }, "");
      const bytes = Uint8Array.from(atob(file.data.slice(file.data.indexOf(",") + 1)), (c) => c.charCodeAt(0));
      const url = URL.createObjectURL(new Blob([bytes], { type: file.mimeType }));
      return orText({ ok: true, url }, url);
    },
    async respond(response) {
      if (!Placet.review || Placet.review.status !== "pending") throw new Error("No answer is waited for.");
      if (Placet.isPreview) throw new Error("A preview cannot answer.");
      if (responded) throw new Error("It was answered already.");
      responded = true;
      try {
        Placet.review = await ask("respond", { response });
        return { ...Placet.review, ok: true };
      } catch (error) {
        responded = false; // it was refused: a corrected one may follow
        throw error;
      }
    },
    resize: () => tell("resize", { height: height() }),
    toast: (message, kind = "info") => tell("toast", { message: String(message), kind }),
    emit: (action, data = null) => tell("emit", { action: String(action), data }),
    on(event, handler) {
      handlers.set(event, [...(handlers.get(event) ?? []), handler]);
    },
  };
  Object.defineProperty(window, "Placet", { value: Placet });

  function show(theme) {
    Placet.theme = theme;
    document.documentElement.dataset.theme = theme;
    document.documentElement.style.colorScheme = theme;
  }

  // Runs the scripts that were held back, as if the page had only now been read.
  function start() {
    if (!init || !parsed || Placet.message !== undefined) return;
    const { data, env, attachments, message, theme, review, isPreview } = init;
    Object.assign(Placet, { data, env, attachments, message, review, isPreview });
    show(theme);
    for (const held of document.querySelectorAll('script[type="text/placet"]')) {
      const script = document.createElement("script");
      script.textContent = held.textContent;
      held.replaceWith(script);
    }
    document.dispatchEvent(new Event("DOMContentLoaded", { bubbles: true }));
    window.dispatchEvent(new Event("load"));
    new ResizeObserver(Placet.resize).observe(document.documentElement);
    Placet.resize();
  }

  const answers = {
    init(body) {
      init ??= body;
      start();
    },
    theme(body) {
      show(body.theme);
      for (const handler of handlers.get("theme-changed") ?? []) handler(orText({ theme: body.theme }, body.theme));
    },
    answer(body, id) {
      const question = waiting.get(id);
      waiting.delete(id);
      if (body.error) question?.reject(new Error(body.error));
      else question?.resolve(body.value);
    },
  };

  addEventListener("message", ({ source, data }) => {
    if (source !== parent || !data || !Object.hasOwn(answers, data.placet)) return;
    answers[data.placet](data.body, data.id);
  });
  document.addEventListener(
    "DOMContentLoaded",
    () => {
      parsed = true;
      start();
    },
    { once: true },
  );
  tell("ready");
})();
