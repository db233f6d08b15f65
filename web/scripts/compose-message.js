// Writes to an agent. A message is sent under one id until it is stored, so that sending it again after a lost
// connection stores it once.
import { scrollToEnd } from "./conversation-scroll.js";
import { byId } from "./dom.js";
import { acceptFiles, isUploading, storedFiles } from "./message-attachments.js";
import { refresh } from "./refresh.js";
import { suggestCommands } from "./slash-commands.js";
import { abortAfter } from "./timing.js";

const TIMEOUT = 20_000;
const LOST = "The connection was lost. Press Send again: the message will be there once, whether it arrived or not.";

const form = byId("compose");
const field = byId("say");
let clientId = randomId();
let sent = ""; // what was sent under that id

function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function showTrouble(sentence) {
  const trouble = form.querySelector("[data-trouble]");
  trouble.textContent = sentence;
  trouble.hidden = sentence === "";
}

async function send(draftKey) {
  const typed = field.value;
  const text = typed.trim();
  const files = storedFiles();
  if (isUploading()) return showTrouble("A file is still being uploaded.");
  if (!text && files.ids.length === 0) return;
  const content = JSON.stringify([text, files.ids]);
  if (sent && sent !== content) clientId = randomId();
  sent = content;
  form.ariaBusy = "true";
  showTrouble("");
  try {
    await post({ channelId: form.dataset.channel, text: text || undefined, attachmentIds: files.ids, clientId });
    // What was typed or added meanwhile belongs to the next message.
    if (field.value === typed) {
      field.value = "";
      sessionStorage.removeItem(draftKey);
    }
    files.remove();
    [clientId, sent] = [randomId(), ""];
    document.querySelector(".none-yet")?.remove();
    refresh().then(scrollToEnd, () => {});
  } catch (error) {
    const isLost = error instanceof TypeError || error.name === "AbortError";
    showTrouble(isLost ? LOST : error.message);
  } finally {
    form.ariaBusy = "false";
  }
}

async function post(message) {
  const response = await fetch("/api/messages", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(message),
    signal: abortAfter(TIMEOUT),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error((answer.errors ?? []).map((it) => it.message).join("; ") || answer.message);
}

function start() {
  const { channel, commands } = form.dataset;
  const draftKey = `placet:say:${channel}`;
  form.hidden = false;
  field.value = sessionStorage.getItem(draftKey) ?? "";
  fetch(`/api/agents/${channel}/read`, { method: "POST" }).catch(() => {});
  acceptFiles(channel, field);
  const suggestions = suggestCommands(JSON.parse(commands) ?? [], field);
  field.addEventListener("input", () => sessionStorage.setItem(draftKey, field.value));
  field.addEventListener("keydown", (event) => {
    if (suggestions.pressKey(event) || event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.ariaBusy !== "true") send(draftKey);
  });
}

if (form) start();
