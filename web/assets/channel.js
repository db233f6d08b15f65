// The conversation: reading back, writing, sending files.
"use strict";
(() => {
  const scroller = document.getElementById("scroller");
  const messages = document.getElementById("messages");
  if (!scroller) return;

  // The newest is what one sees first, and what one keeps seeing while at the end.
  const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
  const toEnd = () => scroller.scrollTo(0, scroller.scrollHeight);
  let end = true;
  toEnd();
  scroller.addEventListener("scroll", () => (end = atEnd()), { passive: true });
  const grows = new ResizeObserver(() => end && toEnd());
  grows.observe(messages);
  grows.observe(scroller);

  // Older messages come when somebody scrolls up to them, and what is read stays where it is.
  let before = null;
  document.addEventListener("htmx:beforeSwap", () => (before = { top: scroller.scrollTop, height: scroller.scrollHeight }));
  document.addEventListener("htmx:afterSettle", () => {
    if (before) scroller.scrollTop = before.top + scroller.scrollHeight - before.height;
    before = null;
    watchOlder();
  });
  const seen = new IntersectionObserver(
    (entries) => {
      const link = document.querySelector("#older a");
      // A search for what is rare would read all there is, by itself.
      const searches = link && new URL(link.href).searchParams.get("q");
      if (link && !searches && entries.some((it) => it.isIntersecting)) htmx.trigger(link, "older");
    },
    { root: scroller, rootMargin: "200px 0px 0px 0px" },
  );
  function watchOlder() {
    seen.disconnect();
    seen.observe(document.getElementById("older"));
  }
  requestAnimationFrame(watchOlder);

  document.addEventListener("click", async ({ target }) => {
    const again = target.closest("[data-retry]");
    if (again) {
      again.disabled = true;
      const answer = await fetch(`/api/messages/${again.dataset.retry}/retry`, { method: "POST" }).catch(() => null);
      placet.toast(answer?.ok ? "It is being delivered again." : "It could not be sent again.", answer?.ok ? "success" : "error");
      again.disabled = false;
    }
  });

  const form = document.getElementById("compose");
  if (!form) return;
  form.hidden = false;
  const say = document.getElementById("say");
  const trouble = form.querySelector("[data-trouble]");
  const uploads = document.getElementById("uploads");
  const files = new Map(); // element of the list -> {state, id}
  // The same until it is stored, or until it says something else: sent twice, it is there once.
  const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  let [clientId, sent] = [random(), ""];
  const key = `placet:say:${form.dataset.channel}`;
  say.value = sessionStorage.getItem(key) ?? "";
  fetch(`/api/agents/${form.dataset.channel}/read`, { method: "POST" }).catch(() => {});

  function complain(sentence) {
    trouble.textContent = sentence;
    trouble.hidden = sentence === "";
  }

  async function attach(file) {
    const item = document.createElement("li");
    const name = document.createElement("span");
    name.textContent = file.name;
    name.dir = "auto";
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", `Upload of ${file.name}`);
    const drop = document.createElement("button");
    drop.type = "button";
    drop.className = "ghost small";
    drop.textContent = "Remove";
    drop.addEventListener("click", () => {
      files.delete(item);
      item.remove();
    });
    item.append(name, bar, drop);
    uploads.append(item);
    files.set(item, { state: "sending", id: null });
    try {
      const stored = await placetUpload(form.dataset.channel, file, (part) => (bar.value = part));
      bar.value = 1;
      if (files.has(item)) files.set(item, { state: "stored", id: stored.id });
      item.dataset.stored = stored.id;
    } catch (error) {
      files.delete(item);
      bar.remove();
      item.classList.add("failed");
      name.textContent = `${file.name}: ${error.message}`;
    }
  }

  const attachAll = (list) => [...list].forEach(attach);
  document.getElementById("attach").addEventListener("change", ({ target }) => {
    attachAll(target.files);
    target.value = "";
  });
  const pane = document.getElementById("pane");
  pane.addEventListener("dragover", (event) => {
    event.preventDefault();
    pane.classList.add("dropping");
  });
  pane.addEventListener("dragleave", () => pane.classList.remove("dropping"));
  pane.addEventListener("drop", (event) => {
    event.preventDefault();
    pane.classList.remove("dropping");
    attachAll(event.dataTransfer.files);
  });
  say.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    attachAll(event.clipboardData.files);
  });

  async function send() {
    const text = say.value.trim();
    const ids = [...files.values()].map((it) => it.id).filter(Boolean);
    if ([...files.values()].some((it) => it.state === "sending")) return complain("A file is still on its way.");
    if (!text && ids.length === 0) return;
    const [raw, taken, what] = [say.value, [...files.keys()], JSON.stringify([text, ids])];
    if (sent && sent !== what) clientId = random();
    sent = what;
    form.ariaBusy = "true";
    complain("");
    try {
      const answer = await fetch("/api/messages", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ channelId: form.dataset.channel, text: text || undefined, attachmentIds: ids, clientId }),
        signal: placet.limit(20_000),
      });
      const said = await answer.json();
      if (!answer.ok) throw new Error((said.errors ?? []).map((it) => it.message).join("; ") || said.message);
      // What was typed or added meanwhile is the next message's.
      if (say.value === raw) {
        say.value = "";
        sessionStorage.removeItem(key);
      }
      for (const item of taken) {
        files.delete(item);
        item.remove();
      }
      [clientId, sent] = [random(), ""];
      end = true;
      document.querySelector(".none-yet")?.remove();
      placet.refresh().then(toEnd, () => {});
    } catch (error) {
      const lost = error instanceof TypeError || error.name === "AbortError";
      complain(lost ? "The connection was lost. Press Send again: it will be there once, whether it arrived or not." : `${error.message}`);
    } finally {
      form.ariaBusy = "false";
    }
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.ariaBusy !== "true") send();
  });

  // Commands that the agent offers, while a message begins with a slash.
  const commands = JSON.parse(form.dataset.commands) ?? [];
  const box = document.getElementById("suggestions");
  let chosen = 0;
  const fitting = () => {
    const begun = /^\/(\S*)$/.exec(say.value);
    return begun ? commands.filter((it) => it.command.replace(/^\//, "").toLowerCase().startsWith(begun[1].toLowerCase())) : [];
  };
  function suggest() {
    const offered = fitting();
    chosen = Math.min(chosen, Math.max(offered.length - 1, 0));
    box.hidden = offered.length === 0;
    box.replaceChildren(
      ...offered.map((it, index) => {
        const option = document.createElement("li");
        option.setAttribute("role", "option");
        option.dir = "auto";
        option.setAttribute("aria-selected", String(index === chosen));
        const name = document.createElement("code");
        name.textContent = `/${it.command.replace(/^\//, "")}${it.argHint ? ` ${it.argHint}` : ""}`;
        option.append(name, ` ${it.description ?? ""}`);
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
          take(it);
        });
        return option;
      }),
    );
  }
  function take(command) {
    say.value = `/${command.command.replace(/^\//, "")}${command.acceptsArgs ? " " : ""}`;
    suggest();
    box.hidden = true;
    say.focus();
  }
  say.addEventListener("input", () => {
    sessionStorage.setItem(key, say.value);
    suggest();
  });
  say.addEventListener("keydown", (event) => {
    const offered = box.hidden ? [] : fitting();
    if (offered.length > 0 && ["ArrowDown", "ArrowUp", "Tab", "Enter", "Escape"].includes(event.key)) {
      event.preventDefault();
      if (event.key === "ArrowDown") chosen = (chosen + 1) % offered.length;
      else if (event.key === "ArrowUp") chosen = (chosen + offered.length - 1) % offered.length;
      else if (event.key === "Escape") return void (box.hidden = true);
      else return take(offered[chosen]);
      suggest();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });

  document.addEventListener("click", ({ target }) => {
    const quote = target.closest("[data-quote]");
    if (!quote) return;
    const lines = quote.dataset.quote.split("\n");
    say.value = `${lines.map((line) => `> ${line}`).join("\n")}\n\n${say.value}`;
    say.focus();
  });
})();
