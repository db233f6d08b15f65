// Approvals of acts in all their states.

export const refund = {
  name: "stripe.refunds.create",
  target: "customer cus_9s6XKzkNRiz8i3",
  summary: "Refunds the duplicate charge of November to Globex.",
  risk: "medium",
  reversible: false,
  args: { amount: 82000, currency: "EUR", charge: "ch_3MmlLrLkdIwHu7ix0snN0B15", notify: true, reason: "duplicate", lines: [{ invoice: "INV-2210", cents: 41000 }, { invoice: "INV-2211", cents: 41000 }], api_key: "sk_test_4eC39HqLyjWDarjtT1zdp7dc" },
  editable: ["/amount", "/currency", "/notify", "/reason", "/lines", "/note"],
  argsSchema: {
    properties: {
      amount: { type: "integer", minimum: 1, maximum: 100000, description: "In cents" },
      currency: { enum: ["EUR", "USD", "GBP"] },
      note: { type: "string", maxLength: 200 },
      reason: { type: "string", pattern: "^[a-z_]+$" },
    },
  },
};

export const wipe = {
  name: "db.drop_table",
  target: "production / invoices",
  risk: "high",
  reversible: false,
  args: { table: "invoices", cascade: true },
};

const review = (action, more) => ({ type: "approval", action, ...more });
const approve = (editedArgs) => ({ response: { selectedOption: "approve", ...(editedArgs ? { editedArgs } : {}) } });

// Sends one act for each state; returns the paths of their pages by name.
export async function fillActs(world) {
  const ask = async (text, action, more) => (await world.send({ text, review: review(action, more) })).id;
  const answer = (id, body) => world.owner("POST", `/api/messages/${id}/respond`, body);
  const low = { name: "calendar.create_event", args: { title: "Retro", at: "2026-12-01T10:00:00Z" }, risk: "low", reversible: true };
  const ids = {
    "act-editable": await ask("The customer was charged **twice**; this gives one back.", refund),
    "act-high": await ask("The table is not used any more.", wipe),
    "act-low": await ask("", low),
    "act-options": await ask("How far?", refund, { payload: { options: [{ id: "all", label: "Refund all", style: "primary", effect: "allow" }, { id: "later", label: "Ask me tomorrow" }, { id: "no", label: "Never", style: "danger", effect: "deny", description: "Closes the ticket" }] } }),
    "act-approved": await ask("The customer was charged twice.", refund),
    "act-edited": await ask("The customer was charged twice.", refund),
    "act-used": await ask("The customer was charged twice.", refund),
    "act-denied": await ask("Not used any more.", wipe),
    "act-expired": await ask("Not used any more.", wipe, { expiresInSeconds: 1 }),
    "act-cancelled": await ask("Not used any more.", wipe),
  };
  await answer(ids["act-approved"], approve());
  await answer(ids["act-edited"], approve({ ...refund.args, amount: 41000, notify: false, lines: refund.args.lines.slice(0, 1), note: "Half of it" }));
  await answer(ids["act-used"], approve());
  const { actionDigest } = (await world.wait(ids["act-used"])).message.review.decision;
  await world.agent("POST", `/api/v1/reviews/${ids["act-used"]}/consume`, { actionDigest });
  await answer(ids["act-denied"], { response: { selectedOption: "reject", comment: "It is used by the reports." } });
  await world.agent("POST", `/api/v1/reviews/${ids["act-cancelled"]}/cancel`, { reason: "Done by hand" });
  await world.wait(ids["act-expired"]);
  const pages = Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, `/reviews/${id}`]));
  return { ...pages, "act-history": `${pages["act-edited"]}/history` };
}
