// The files that are attached to the message being written: chosen, dropped on the conversation or pasted.
import { byId, create } from "./dom.js";
import { upload } from "./upload.js";

const list = byId("uploads");
const files = new Map(); // item of the list -> the stored attachment's id, null while it is being sent

export const isUploading = () => [...files.values()].includes(null);

// The ids of the files that are stored, and a function that takes those files off the list.
export function storedFiles() {
  const items = [...files.keys()].filter((item) => files.get(item) !== null);
  return { ids: items.map((item) => files.get(item)), remove: () => items.forEach(removeItem) };
}

function removeItem(item) {
  files.delete(item);
  item.remove();
}

async function attach(channelId, file) {
  const item = create("li");
  const name = create("span", { text: file.name, dir: "auto" });
  const bar = create("progress", { max: 1, value: 0 }, { "aria-label": `Upload of ${file.name}` });
  const remove = create("button", { type: "button", className: "ghost small", text: "Remove" });
  remove.addEventListener("click", () => removeItem(item));
  item.append(name, bar, remove);
  list.append(item);
  files.set(item, null);
  try {
    const { id } = await upload(channelId, file, (part) => (bar.value = part));
    bar.value = 1;
    if (files.has(item)) files.set(item, id);
    item.dataset.stored = id;
  } catch (error) {
    files.delete(item);
    bar.remove();
    item.classList.add("failed");
    name.textContent = `${file.name}: ${error.message}`;
  }
}

// Takes files from the form's picker, from the pane where they are dropped, and from what is pasted into `field`.
export function acceptFiles(channelId, field) {
  const attachAll = (chosen) => [...chosen].forEach((file) => attach(channelId, file));
  byId("attach").addEventListener("change", ({ target }) => {
    attachAll(target.files);
    target.value = "";
  });
  field.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    attachAll(event.clipboardData.files);
  });
  acceptDrops(byId("pane"), attachAll);
}

function acceptDrops(pane, attachAll) {
  pane.addEventListener("dragover", (event) => {
    event.preventDefault();
    pane.classList.add("dropping");
  });
  pane.addEventListener("dragleave", () => pane.classList.remove("dropping"));
  pane.addEventListener("drop", (event) => {
    event.preventDefault();
    pane.classList.remove("dropping");
    attachAll(event.dataTransfer.files);
  });
}
