// Texts of shapes that phones have trouble with.

const nested = (levels) => Array.from({ length: levels }, (_, n) => `${"  ".repeat(n)}- level ${n} with words`).join("\n");
const word = "Donaudampfschifffahrtsgesellschaft".repeat(8);
const columns = Array.from({ length: 12 }, (_, n) => `Department ${n}`);

const texts = {
  arabic: "# هل ننشر الإصدار 4.2؟\n\nمرحبا بالعالم. تم تحديث الملف `src/main.rs` وكل الاختبارات ناجحة.\n\n- الفواتير أسرع\n- قواعد ضريبية جديدة\n  1. من يناير\n  2. للجميع\n\n> لم يتغير شيء آخر.\n\n| البيئة | النسخ |\n|--|--|\n| الإنتاج | 3 |",
  hebrew: "שלום לך! הקובץ src/main.rs עודכן.\n\nלפרוס את api 4.2 עכשיו?\n\n1. הבדיקות ירוקות\n2. הגיבוי מוכן (ראו https://example.com/a)\n\n```sh\nmake deploy STAGE=production\n```",
  mixed: "An order of **שלום בע״מ** (Tel Aviv) for 1,200 €.\n\n- English item\n- פריט בעברית.\n\nمرحبا, it says.",
  "wide-table": `May these budgets change?\n\n| ${columns.join(" | ")} |\n|${columns.map(() => "--:").join("|")}|\n| ${columns.map((_, n) => `${n * 1_111}.50`).join(" | ")} |`,
  "long-code": `Run this?\n\n\`\`\`sh\n${"docker run --rm --env A=1 ".repeat(20)}\n\`\`\`\n\nand \`${"x".repeat(300)}\``,
  nested: nested(16),
  "long-word": `${word}\n\n# ${word}\n\n[${word}](https://example.com/${word})\n\nhttps://example.com/${word}`,
};

// A request of each shape, whose options, details and files have it as well: name -> path.
async function fillWorld(world) {
  const pages = {};
  for (const [name, text] of Object.entries(texts)) {
    const line = text.split("\n").find((it) => it.length > 3).replace(/^[#\s-]+/, "").slice(0, 300);
    const file = await world.file(`${line.slice(0, 80)}.md`, "text/markdown", text);
    const options = [{ id: "yes", label: line, style: "primary" }, { id: "no", label: line.slice(0, 12), description: line, style: "danger" }];
    const { id } = await world.send({ text, attachmentIds: [file.id], review: { type: "approval", payload: { options, subject: line, code: text } } });
    pages[name] = `/reviews/${id}`;
  }
  const [right, long] = [texts.hebrew.split("\n")[0], word];
  const fields = [right, long].flatMap((label, n) => ["text", "textarea", "select", "radio", "checkbox", "range"].map((type) => ({ name: `${type}${n}`, type, label, description: label, ...(/select|radio/.test(type) ? { options: [label, "b"] } : {}) })));
  const form = await world.send({ text: right, review: { type: "form", payload: { fields, submitLabel: right } } });
  const answered = await world.send({ text: right, review: { type: "freeform" } });
  await world.owner("POST", `/api/messages/${answered.id}/respond`, { response: { [long]: right, [right]: { list: [long, right] } }, feedback: `${right}\n${long}` });
  return { ...pages, "right-form": `/reviews/${form.id}`, "right-outcome": `/reviews/${answered.id}` };
}

export const shapes = { nested, fillWorld };
