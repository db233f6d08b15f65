// Forms that send their file: `<form data-upload="/api/agents/ID/avatar">`.
import { refresh } from "./refresh.js";
import { toast } from "./toast.js";

async function send(form) {
  form.ariaBusy = "true";
  try {
    const response = await fetch(form.dataset.upload, { method: "POST", body: new FormData(form) });
    const answer = await response.json().catch(() => ({}));
    const problems = answer.errors?.map((it) => it.message).join("; ");
    if (!response.ok) throw new Error(problems || answer.message || "It failed.");
    form.reset();
    toast("Uploaded.", "success");
    await refresh();
  } catch (error) {
    toast(error instanceof TypeError ? "There is no connection." : error.message, "error");
  } finally {
    form.ariaBusy = "false";
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset?.upload) return;
  event.preventDefault();
  if (form.ariaBusy !== "true") send(form);
});
