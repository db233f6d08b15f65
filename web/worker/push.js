// Push messages, and presses on what they show.
import { decide, sendKept } from "./decisions.js";
import { showNotice } from "./notices.js";

self.addEventListener("push", (event) => {
  const message = event.data?.json() ?? {};
  event.waitUntil(Promise.all([showNotice(message), sendKept()]));
});

self.addEventListener("notificationclick", (event) => {
  const { notification, action } = event;
  notification.close();
  event.waitUntil(action ? decide(notification.data, action) : openPage(notification.data?.url ?? "/"));
});

// Shows a page in the window that is open, or in a new one.
async function openPage(path) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const isThere = (client) => new URL(client.url).pathname === path;
  const open = windows.find(isThere) ?? windows[0];
  if (!open) return self.clients.openWindow(path);
  await open.focus().catch(() => {});
  if (isThere(open)) return open;
  // A window that this worker does not control cannot be led elsewhere.
  return open.navigate(path).catch(() => self.clients.openWindow(path));
}
