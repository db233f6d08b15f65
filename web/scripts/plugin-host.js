// Loads plugins' frames and answers what they ask, each frame for its own message only.
//
//   <iframe sandbox="allow-scripts" title="..." data-placet-plugin="NAME"
//     data-placet-init='{"data":{},"attachments":[],"message":{"id":"..."},"review":null,"isPreview":false}'>
//   </iframe>
//
// The settings that are not secret (`env`: what is set, else the default) come from the API. What a frame does
// is announced by events on its iframe, which bubble: `placet:responded` (detail: the message), `placet:toast`
// ({message, kind}), `placet:emit` ({action, data}) and `placet:missing`, when there is no such plugin.
import { onContent } from "./swap.js";

const MAX_HEIGHT = 4000;
const KINDS = ["success", "error", "warning", "info"];
const frames = new Map(); // window of a frame -> its iframe
const dark = matchMedia("(prefers-color-scheme: dark)");
const initOf = (iframe) => JSON.parse(iframe.dataset.placetInit);
const post = (iframe, kind, body, id) => iframe.contentWindow.postMessage({ placet: kind, id, body }, "*");
const announce = (iframe, kind, detail) =>
  iframe.dispatchEvent(new CustomEvent(`placet:${kind}`, { detail, bubbles: true }));

function theme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "dark" || chosen === "light") return chosen;
  return dark.matches ? "dark" : "light";
}

let installed;
function installedPlugins() {
  installed ??= fetchPlugins().catch((error) => {
    installed = undefined; // the next frame tries again
    throw error;
  });
  return installed;
}

async function fetchPlugins() {
  const response = await fetch("/api/plugins");
  if (!response.ok) throw new Error(response.status);
  return response.json();
}

async function settingsOf(iframe) {
  const plugin = (await installedPlugins()).find((it) => it.name === iframe.dataset.placetPlugin);
  const visible = (plugin?.env ?? []).filter((it) => !it.secret);
  return Object.fromEntries(visible.map((it) => [it.key, it.value ?? it.default ?? null]));
}

// Points the frame at its plugin, or hides it when there is none of that name.
async function load(iframe) {
  const name = iframe.dataset.placetPlugin;
  let trouble = `The plugin “${name}” that should draw this is not installed.`;
  try {
    if ((await installedPlugins()).some((it) => it.name === name)) {
      iframe.src = `/api/plugins/${encodeURIComponent(name)}/render`;
      return;
    }
  } catch {
    trouble = `The plugin “${name}” that should draw this could not be loaded.`;
  }
  iframe.hidden = true;
  iframe.closest("[data-plugin-card]")?.setAttribute("data-missing", "");
  iframe.insertAdjacentText("afterend", trouble);
  announce(iframe, "missing");
}

async function callApi(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

// What a frame may ask. Each returns the answer, or throws a sentence.
const requests = {
  fetch: (iframe, { url, method, headers, body }) =>
    callApi(`/api/plugins/${encodeURIComponent(iframe.dataset.placetPlugin)}/fetch`, { url, method, headers, body }),
  // Only files of the frame's own message.
  async getFile(iframe, { id }) {
    const attachment = initOf(iframe).attachments.find((it) => it.id === id);
    const response = attachment && (await fetch(`/api/files/${encodeURIComponent(id)}/download`));
    if (!response?.ok) return { ok: false, data: null, mimeType: null, filename: null };
    const { mimeType, filename } = attachment;
    return { ok: true, data: await dataUrl(new Blob([await response.blob()], { type: mimeType })), mimeType, filename };
  },
  async respond(iframe, { response }) {
    const { message, review, isPreview } = initOf(iframe);
    if (isPreview) throw new Error("A preview cannot answer.");
    // The server gives a frame no review that it may not answer: one of an act.
    if (!review) throw new Error("This cannot be answered here.");
    const answered = await callApi(`/api/messages/${encodeURIComponent(message.id)}/respond`, { response });
    announce(iframe, "responded", answered);
    return answered.review;
  },
};

// What a frame may say without an answer.
const notices = {
  async ready(iframe) {
    post(iframe, "init", { ...initOf(iframe), env: await settingsOf(iframe), theme: theme() });
  },
  resize(iframe, { height }) {
    if (Number.isFinite(height)) iframe.style.height = `${Math.min(Math.max(height, 0), MAX_HEIGHT)}px`;
  },
  toast(iframe, { message, kind }) {
    announce(iframe, "toast", {
      message: String(message).slice(0, 500),
      kind: KINDS.includes(kind) ? kind : "info",
    });
  },
  emit: (iframe, { action, data }) => announce(iframe, "emit", { action, data }),
};

async function receive({ source, data }) {
  const iframe = frames.get(source);
  if (!iframe || !data) return;
  if (Object.hasOwn(notices, data.placet)) {
    notices[data.placet](iframe, data.body ?? {});
  } else if (Object.hasOwn(requests, data.placet)) {
    let body;
    try {
      body = { value: await requests[data.placet](iframe, data.body ?? {}) };
    } catch (error) {
      body = { error: error.message || "It did not work." };
    }
    post(iframe, "answer", body, data.id);
  }
}

function sendTheme() {
  for (const iframe of frames.values()) post(iframe, "theme", { theme: theme() });
}

function loadFrames(root) {
  for (const [frame, iframe] of frames) if (!iframe.isConnected) frames.delete(frame);
  for (const iframe of root.querySelectorAll("iframe[data-placet-plugin]")) {
    if (frames.has(iframe.contentWindow)) continue;
    frames.set(iframe.contentWindow, iframe);
    load(iframe);
  }
}

addEventListener("message", receive);
dark.addEventListener("change", sendTheme);
new MutationObserver(sendTheme).observe(document.documentElement, { attributeFilter: ["data-theme"] });
onContent(loadFrames);
