// Fills the page of plugins: what each is, and its settings, which owners change.
import { callApi } from "./api.js";
import { byId, create } from "./dom.js";
import { toast } from "./toast.js";

const place = byId("plugins");
const isOwner = place?.dataset.owner === "true";
const labelOf = (setting) => setting.label || setting.key;

function cardOf(plugin) {
  const card = create("article", { className: "card stack plugin", dir: "auto" });
  const title = create("h3", { text: plugin.displayName, dir: "auto" });
  title.append(" ", create("span", { text: plugin.version, className: "chip", dir: "auto" }));
  card.append(title);
  if (plugin.description) card.append(create("p", { text: plugin.description, dir: "auto" }));
  const author = plugin.author ? ` · by ${plugin.author}` : "";
  card.append(create("p", { text: `metadata.plugin: ${plugin.name}${author}`, className: "meta", dir: "auto" }));
  const none = create("p", { text: "It needs no settings.", className: "meta" });
  card.append(plugin.env.length > 0 ? formOf(plugin) : none);
  return card;
}

function formOf(plugin) {
  const form = create("form", { className: "stack" });
  form.append(...plugin.env.map((setting) => fieldOf(plugin, setting)));
  if (isOwner) {
    const buttons = create("div", { className: "buttons" });
    buttons.append(create("button", { text: "Save", className: "primary" }));
    form.append(buttons);
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const changes = changesOf(plugin, form);
    if (Object.keys(changes).length > 0) change(plugin, changes);
  });
  return form;
}

function fieldOf(plugin, setting) {
  const field = create("div", { className: "setting" });
  const input = inputOf(plugin, setting);
  const label = create("label", { text: labelOf(setting), htmlFor: input.id, dir: "auto" });
  const state = setting.isSet ? "set" : setting.required ? "required, not set" : "not set";
  label.append(create("span", { text: ` ${state}`, className: "meta", dir: "auto" }));
  field.append(label);
  if (setting.description) {
    const about = create("p", { id: `${input.id}-about`, text: setting.description, className: "meta", dir: "auto" });
    input.setAttribute("aria-describedby", about.id);
    field.append(about);
  }
  field.append(input);
  if (isOwner && setting.isSet) field.append(unsetButton(plugin, setting));
  return field;
}

function inputOf(plugin, setting) {
  return create("input", {
    id: `${plugin.name}-${setting.key}`,
    name: setting.key,
    type: setting.secret ? "password" : "text",
    dir: "auto",
    autocomplete: setting.secret ? "new-password" : "off",
    maxLength: 4096,
    value: setting.value ?? "",
    placeholder: setting.secret && setting.isSet ? "Set, and never shown" : (setting.default ?? ""),
    disabled: !isOwner,
  });
}

function unsetButton(plugin, setting) {
  const label = labelOf(setting);
  const button = create("button", { type: "button", text: "Unset", className: "small" });
  button.setAttribute("aria-label", `Unset ${label}`);
  button.addEventListener("click", () => confirm(`Unset “${label}”?`) && change(plugin, { [setting.key]: null }));
  return button;
}

// A secret without new input stays as it is.
function changesOf(plugin, form) {
  const changed = plugin.env.filter(({ key, secret, value }) => {
    const typed = form.elements[key].value;
    return secret ? typed !== "" : typed !== (value ?? "");
  });
  return Object.fromEntries(changed.map(({ key }) => [key, form.elements[key].value || null]));
}

async function change(plugin, env) {
  try {
    await callApi("PATCH", `/api/plugins/${encodeURIComponent(plugin.name)}`, { env });
    toast("Saved.", "success");
    await fill();
  } catch (error) {
    toast(error.message, "error");
  }
}

async function fill() {
  const plugins = await callApi("GET", "/api/plugins");
  const none = create("p", { text: "There are no plugins.", className: "card meta" });
  place.replaceChildren(...(plugins.length > 0 ? plugins.map(cardOf) : [none]));
}

if (place) fill().catch((error) => place.replaceChildren(create("p", { text: error.message, className: "problem" })));
