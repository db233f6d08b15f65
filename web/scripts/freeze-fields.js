// Keeps the fields of an answer as they are while it is sent: what is changed then would not be part of it.

// Returns what makes the fields editable again. Texts keep the focus; what cannot be read-only is inert.
export function freezeFields(form) {
  const focused = document.activeElement;
  const fields = [...form.elements].filter((it) => it.matches("input:not([type=hidden]), select, textarea"));
  const texts = fields.filter((it) => it.matches(":read-write"));
  const others = fields.filter((it) => !texts.includes(it)).map((it) => it.closest("label") ?? it);
  const inert = [...others, ...document.querySelectorAll("#act .edit-open, #act .edit-undo")];
  for (const it of texts) it.readOnly = true;
  for (const it of inert) it.inert = true;
  return () => {
    for (const it of texts) it.readOnly = false;
    for (const it of inert) it.inert = false;
    if (document.activeElement === document.body) focused.focus({ preventScroll: true });
  };
}
