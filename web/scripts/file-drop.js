// Uploads files to an agent's channel: picked with the button, or dropped anywhere on the page.
import { byId, create } from "./dom.js";
import { refresh } from "./refresh.js";
import { upload } from "./upload.js";

const form = byId("upload");
let depth = 0; // how many elements under the pointer a drag has entered

async function sendAll(files) {
  const channel = byId("upload-to").value;
  await Promise.all(files.map((file) => send(channel, file)));
  await refresh();
}

async function send(channel, file) {
  const row = create("li", { dir: "auto" });
  const bar = create("progress", { max: 1 }, { "aria-label": file.name });
  row.append(file.name, bar);
  byId("uploads").append(row);
  try {
    await upload(channel, file, (part) => (bar.value = part));
    row.remove();
  } catch (error) {
    bar.remove();
    row.className = "problem";
    row.textContent = `${file.name}: ${error.message}`;
    setTimeout(() => row.remove(), 15_000);
  }
}

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

function setDepth(value) {
  depth = Math.max(0, value);
  document.body.classList.toggle("dropping", depth > 0);
}

function start() {
  form.hidden = false;
  const picker = byId("upload-files");
  byId("upload-button").addEventListener("click", () => picker.click());
  picker.addEventListener("change", async () => {
    await sendAll([...picker.files]);
    picker.value = "";
  });
  addEventListener("dragenter", (event) => hasFiles(event) && setDepth(depth + 1));
  addEventListener("dragleave", (event) => hasFiles(event) && setDepth(depth - 1));
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    setDepth(0);
    sendAll([...event.dataTransfer.files]);
  });
}

if (form) start();
