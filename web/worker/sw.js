// The service worker: push messages, decisions from their buttons, and pages without a connection. The build joins its
// modules into one file (functions/web/build), which is served as /sw.js.
import "./offline.js";
import "./push.js";
import "./decisions.js";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
