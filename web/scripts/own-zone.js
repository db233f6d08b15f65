// Fills an empty field for a time zone with that of the browser.
import { onContent } from "./swap.js";

onContent((root) => {
  for (const field of root.querySelectorAll("[data-own-zone]")) {
    field.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
});
