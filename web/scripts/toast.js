// Short messages at the edge of the page that go away by themselves. `kind` is "success", "error", "warning"
// or "info".
import { byId, create } from "./dom.js";

export function toast(message, kind = "info") {
  const shown = create("p", { className: `toast ${kind}`, text: message, dir: "auto" });
  byId("toasts").append(shown);
  setTimeout(() => shown.remove(), kind === "error" ? 10_000 : 5_000);
}

document.addEventListener("placet:toast", ({ detail }) => toast(detail.message, detail.kind));
