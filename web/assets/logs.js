// Entries that somebody opened stay open when the log is read anew.
"use strict";
(() => {
  const open = new Set();
  document.addEventListener(
    "toggle",
    ({ target }) => {
      if (!target.id?.startsWith("call-") || !target.isConnected) return;
      if (target.open) open.add(target.id);
      else open.delete(target.id);
    },
    true,
  );
  document.addEventListener("placet:fresh", () => {
    for (const id of [...open]) {
      const entry = document.getElementById(id);
      if (entry) entry.open = true;
      else open.delete(id);
    }
  });
})();
