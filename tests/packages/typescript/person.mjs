// A person who answers, at the local runner that tests/packages.sh started.
const { PLACET_URL, PLACET_CHANNEL, PLACET_EMAIL, PLACET_PASSWORD } = process.env;

async function call(method, path, body, headers = {}) {
  const init = { method, headers: { "Content-Type": "application/json", ...headers }, body: body && JSON.stringify(body) };
  const response = await fetch(PLACET_URL + path, init);
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response;
}

const signedIn = await call("POST", "/api/auth/login", { email: PLACET_EMAIL, password: PLACET_PASSWORD });
const Authorization = `Bearer ${/access_token=([^;]+)/.exec(signedIn.headers.get("set-cookie"))[1]}`;

/** A call of the person's, and its answer. */
export async function person(method, path, body) {
  return (await call(method, path, body, { Authorization })).json();
}

/** What is asked in the tests' channel. */
export async function pending() {
  return person("GET", `/api/messages/reviews?channel=${PLACET_CHANNEL}`);
}

/** The one question, once somebody has asked it. */
export async function asked() {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const [message, ...others] = await pending();
    if (others.length) throw new Error("several questions");
    if (message) return message;
  }
  throw new Error("nobody asked");
}

export async function respond(id, response) {
  await person("POST", `/api/messages/${id}/respond`, { response });
}

/** Answers the one question. */
export async function choose(selectedOption, more = {}) {
  const message = await asked();
  await respond(message.id, { selectedOption, ...more });
  return message;
}
