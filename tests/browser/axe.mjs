// What axe-core finds on a page, and whether the page is wider than the screen.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

// What is wrong with the page as it is shown, in sentences.
export async function violations(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate((rules) => axe.run(document, { runOnly: rules, iframes: false }), RULES);
  const found = violations.flatMap((it) => it.nodes.map((node) => `${name}: ${it.id}: ${node.target} ${node.failureSummary.replaceAll("\n", " ")}`));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  return wide > 0 ? [...found, `${name}: wider than the screen by ${wide} px`] : found;
}
