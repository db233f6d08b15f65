// The notifications that this device shows. Up to three requests have one each; more are shown as one.
const GROUP = "placet-waiting";
const MAX_SINGLE = 3;

// One at a time: each depends on what is shown.
let queue = Promise.resolve();

// Shows a message, and updates what else is shown.
export function showNotice(message) {
  queue = queue.catch(() => {}).then(() => arrange(message));
  return queue;
}

// The messages that wait are kept in the notifications themselves.
async function arrange(message) {
  const shown = await self.registration.getNotifications();
  const group = shown.find((notice) => notice.tag === GROUP);
  const singles = shown.filter((notice) => notice.data?.status === "pending");
  const others = [...(group?.data.waiting ?? []), ...singles.map((notice) => notice.data)];
  const waiting = others.filter((other) => other.tag !== message.tag);
  if (message.status === "pending") waiting.push(message);
  if (waiting.length > MAX_SINGLE) {
    for (const notice of shown) if (notice.tag === message.tag || singles.includes(notice)) notice.close();
    await showGroup(waiting, message.status !== "pending");
  } else {
    if (group) {
      group.close();
      for (const other of waiting) if (other !== message) await showSingle(other, true);
    }
    await showSingle(message, message.status !== "pending" && message.status !== "test");
  }
  await showBadge(waiting.length);
}

// Shows what became of a decision that was made here, in the place of its request.
export async function showOutcome(message, body, options = {}) {
  await showSingle({ ...message, status: "outcome", actions: [], expiresAt: undefined, body }, true, options);
}

function showSingle(message, silent, options = {}) {
  return self.registration.showNotification(message.title ?? "Placet", {
    body: [message.body, deadlineOf(message)].filter(Boolean).join("\n"),
    tag: message.tag,
    renotify: Boolean(message.tag) && !silent,
    silent,
    icon: "/assets/icon-192.png",
    badge: "/assets/icon-192.png",
    data: message,
    actions: message.actions ?? [],
    ...options,
  });
}

function showGroup(waiting, silent) {
  const agents = [...new Set(waiting.map((message) => message.title))].join(", ");
  return self.registration.showNotification(`${waiting.length} requests are waiting`, {
    body: agents,
    tag: GROUP,
    renotify: !silent,
    silent,
    icon: "/assets/icon-192.png",
    badge: "/assets/icon-192.png",
    data: { url: "/", waiting },
  });
}

function deadlineOf({ expiresAt }) {
  if (!expiresAt) return "";
  const end = new Date(expiresAt);
  const isToday = end.toDateString() === new Date().toDateString();
  const time = { hour: "2-digit", minute: "2-digit" };
  return `Answer by ${end.toLocaleString([], isToday ? time : { weekday: "short", ...time })}.`;
}

// The number on the app's icon, where there is one.
async function showBadge(count) {
  if (!("setAppBadge" in navigator)) return;
  await (count > 0 ? navigator.setAppBadge(count) : navigator.clearAppBadge()).catch(() => {});
}
