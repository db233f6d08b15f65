// Small tools for elements.

export const byId = (id) => document.getElementById(id);

// A new element with these properties and attributes; `text` is its content.
export function create(tag, { text = "", ...properties } = {}, attributes = {}) {
  const element = Object.assign(document.createElement(tag), properties);
  if (text) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// Whether a click is the plain one that follows a link in this tab.
export function isPlainClick(event) {
  return event.button === 0 && !event.defaultPrevented && !event.metaKey && !event.ctrlKey && !event.shiftKey;
}
