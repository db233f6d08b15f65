// Fills the page of plugins: what each is, and what is set for it.
"use strict";
(() => {
  const place = document.getElementById("plugins");
  const isOwner = place.dataset.owner === "true";

  function made(tag, text = "", className = "") {
    const element = document.createElement(tag);
    element.textContent = text;
    element.dir = "auto";
    if (className) element.className = className;
    return element;
  }

  function fieldOf(plugin, entry) {
    const field = made("div", "", "setting");
    const label = made("label", entry.label || entry.key);
    const input = document.createElement("input");
    input.id = label.htmlFor = `${plugin.name}-${entry.key}`;
    input.name = entry.key;
    input.dir = "auto";
    input.type = entry.secret ? "password" : "text";
    input.autocomplete = entry.secret ? "new-password" : "off";
    input.maxLength = 4096;
    input.value = entry.value ?? "";
    input.placeholder = entry.secret && entry.isSet ? "Set, and never shown" : (entry.default ?? "");
    input.disabled = !isOwner;
    label.append(made("span", ` ${entry.isSet ? "set" : entry.required ? "required, not set" : "not set"}`, "meta"));
    field.append(label);
    if (entry.description) {
      const about = made("p", entry.description, "meta");
      about.id = `${input.id}-about`;
      input.setAttribute("aria-describedby", about.id);
      field.append(about);
    }
    field.append(input);
    if (isOwner && entry.isSet) {
      const unset = made("button", "Unset", "small");
      unset.type = "button";
      unset.setAttribute("aria-label", `Unset ${entry.label || entry.key}`);
      unset.addEventListener("click", () => confirm(`Unset “${entry.label || entry.key}”?`) && change(plugin, { [entry.key]: null }));
      field.append(unset);
    }
    return field;
  }

  function cardOf(plugin) {
    const card = made("article", "", "card stack plugin");
    const title = made("h3", plugin.displayName);
    title.append(" ", made("span", plugin.version, "chip"));
    card.append(title);
    if (plugin.description) card.append(made("p", plugin.description));
    card.append(made("p", `metadata.plugin: ${plugin.name}${plugin.author ? ` · by ${plugin.author}` : ""}`, "meta"));
    if (plugin.env.length === 0) {
      card.append(made("p", "It needs no settings.", "meta"));
      return card;
    }
    const form = made("form", "", "stack");
    form.append(...plugin.env.map((entry) => fieldOf(plugin, entry)));
    if (isOwner) {
      const save = made("button", "Save", "primary");
      const buttons = made("div", "", "buttons");
      buttons.append(save);
      form.append(buttons);
    }
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const changes = {};
      for (const entry of plugin.env) {
        const typed = form.elements[entry.key].value;
        // A secret that nobody typed stays as it is.
        if (entry.secret ? typed !== "" : typed !== (entry.value ?? "")) changes[entry.key] = typed === "" ? null : typed;
      }
      if (Object.keys(changes).length > 0) change(plugin, changes);
    });
    card.append(form);
    return card;
  }

  async function change(plugin, env) {
    try {
      await placetCall("PATCH", `/api/plugins/${encodeURIComponent(plugin.name)}`, { env });
      placet.toast("Saved.", "success");
      await fill();
    } catch (error) {
      placet.toast(error.message, "error");
    }
  }

  async function fill() {
    const plugins = await placetCall("GET", "/api/plugins");
    place.replaceChildren(...(plugins.length > 0 ? plugins.map(cardOf) : [made("p", "There are no plugins.", "card meta")]));
  }

  fill().catch((error) => place.replaceChildren(made("p", error.message, "problem")));
})();
