// Shows a text in an element, and hides the element if there is none.
function show(element, text) {
  element.textContent = text ?? "";
  element.hidden = !text;
}
