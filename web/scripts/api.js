// Calls the API as the person who is signed in.

// Returns the answer's JSON; throws a sentence for people.
export async function callApi(method, path, body) {
  const answer = await send(method, path, body);
  if (answer.status === 401) {
    location.reload();
    throw new Error("You are signed out.");
  }
  const json = await answer.json().catch(() => ({}));
  if (answer.ok) return json;
  const problems = (json.errors ?? []).map((it) => it.message);
  throw new Error(problems.length > 0 ? `${problems.join("; ")}.` : (json.message ?? `It failed (${answer.status}).`));
}

async function send(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  const json = body === undefined ? {} : { headers, body: JSON.stringify(body) };
  try {
    return await fetch(path, { method, ...json });
  } catch {
    throw new Error("There is no connection. Probably nothing was changed: check once it is back.");
  }
}
