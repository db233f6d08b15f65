// Writes this site's address into examples: `<span data-origin>`.
import { onContent } from "./swap.js";

onContent((root) => {
  for (const place of root.querySelectorAll("[data-origin]")) place.textContent = location.origin;
});
