// Lets browsers install the inbox as an app. They fetch the manifest and its icons as soon as a page links it, so the
// first page in a browser does not.
import { isFirstVisit } from "./session.js";

if (!isFirstVisit) {
  const link = document.createElement("link");
  link.rel = "manifest";
  link.href = document.body.dataset.manifest;
  document.head.append(link);
}
