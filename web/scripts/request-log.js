// Entries of the log that are open stay open when the log is refreshed.
import { byId } from "./dom.js";
import { onContent } from "./swap.js";

const open = new Set();

function keepOpen() {
  for (const id of [...open]) {
    const entry = byId(id);
    if (entry) entry.open = true;
    else open.delete(id);
  }
}

if (byId("log")) {
  document.addEventListener(
    "toggle",
    ({ target }) => {
      if (!target.id?.startsWith("call-") || !target.isConnected) return;
      if (target.open) open.add(target.id);
      else open.delete(target.id);
    },
    true,
  );
  onContent(keepOpen);
}
