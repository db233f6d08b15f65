// A theme is shown as soon as it is chosen, and saved.
import { byId } from "./dom.js";

byId("theme")?.addEventListener("change", ({ target }) => {
  document.documentElement.dataset.theme = target.value;
  target.form.requestSubmit();
});
