// Suggests the agent's commands while a message begins with a slash.
import { byId, create } from "./dom.js";

// `commands` are the agent's; `field` is where the message is written.
export function suggestCommands(commands, field) {
  const box = byId("suggestions");
  let selected = 0;

  const matching = () => {
    const begun = /^\/(\S*)$/.exec(field.value)?.[1].toLowerCase();
    return begun === undefined ? [] : commands.filter((it) => nameOf(it).toLowerCase().startsWith(begun));
  };

  function show() {
    const offered = matching();
    selected = Math.min(selected, Math.max(offered.length - 1, 0));
    box.hidden = offered.length === 0;
    box.replaceChildren(...offered.map((command, index) => optionOf(command, index === selected, take)));
  }

  function take(command) {
    field.value = `/${nameOf(command)}${command.acceptsArgs ? " " : ""}`;
    show();
    box.hidden = true;
    field.focus();
  }

  // Returns whether the key was one for the suggestions.
  function pressKey(event) {
    const offered = box.hidden ? [] : matching();
    if (offered.length === 0) return false;
    if (event.key === "ArrowDown") selected = (selected + 1) % offered.length;
    else if (event.key === "ArrowUp") selected = (selected + offered.length - 1) % offered.length;
    else if (event.key === "Escape") box.hidden = true;
    else if (event.key === "Tab" || event.key === "Enter") take(offered[selected]);
    else return false;
    event.preventDefault();
    if (event.key.startsWith("Arrow")) show();
    return true;
  }

  field.addEventListener("input", show);
  return { pressKey };
}

const nameOf = ({ command }) => command.replace(/^\//, "");

function optionOf(command, isSelected, take) {
  const option = create("li", { dir: "auto" }, { role: "option", "aria-selected": String(isSelected) });
  const hint = command.argHint ? ` ${command.argHint}` : "";
  option.append(create("code", { text: `/${nameOf(command)}${hint}` }), ` ${command.description ?? ""}`);
  option.addEventListener("mousedown", (event) => {
    event.preventDefault();
    take(command);
  });
  return option;
}
