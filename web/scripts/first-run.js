// The first run: names an agent, creates its key, shows a command with both, and says when the first request arrives.
import { callApi } from "./api.js";
import { whileBusy } from "./busy-button.js";
import { byId } from "./dom.js";
import { onContent } from "./swap.js";

let agent = null; // created already, if the key was refused

function command(channelId, key) {
  const url = byId("first-run").dataset.url || location.origin;
  const body = { channelId, text: "May I deploy?", review: { type: "approval" } };
  return [
    `curl -X POST "${url}/api/v1/messages" \\`,
    `  -H "Authorization: Bearer ${key}" \\`,
    '  -H "Content-Type: application/json" \\',
    `  -d '${JSON.stringify(body)}'`,
  ].join("\n");
}

async function connect(form) {
  const problem = form.querySelector("[data-problem]");
  const name = form.elements.name.value.trim();
  problem.hidden = true;
  try {
    agent ??= await callApi("POST", "/api/agents", { name });
    const { key } = await callApi("POST", "/api/api-keys", { label: [...name].slice(0, 64).join("") });
    byId("first-run-command").textContent = command(agent.id, key);
    form.hidden = true;
    byId("first-run-call").hidden = false;
    byId("first-run-command").focus();
  } catch (error) {
    problem.textContent = error instanceof TypeError ? "There is no connection." : error.message;
    problem.hidden = false;
  }
}

function showFirstRequest() {
  const state = byId("first-run-state");
  const row = document.querySelector("#rows [data-row]");
  if (!state || !row || byId("first-run-call").hidden) return;
  state.textContent = "The first request has arrived. Open it in the list.";
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "first-run-form") return;
  event.preventDefault();
  whileBusy(event.submitter, () => connect(event.target));
});
onContent((root) => {
  const panel = root.querySelector("#first-run");
  if (panel) panel.hidden = false;
  if (root.id === "rows") showFirstRequest();
});
