// Socket.IO with the official client for JavaScript, as agents in Node and in pages use it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { World } from "./world.mjs";

let world;
const open = [];
before(async () => (world = await World.start()));
after(async () => {
  open.forEach((socket) => socket.close());
  await world.stop();
});

function connect(auth) {
  const socket = io(`${world.url}/ws`, { transports: ["websocket"], auth, reconnectionDelay: 20, forceNew: true });
  open.push(socket);
  return socket;
}

const next = (socket, name) => once(socket, name, { signal: AbortSignal.timeout(20_000) }).then(([data]) => data);

// Frames are handled in order, so the subscription is made once the answer is there.
async function subscribe(socket, channel) {
  socket.emit("subscribe:channel", channel);
  socket.emit("ping");
  await next(socket, "pong");
}

test("an agent hears its channel, and again after it has reconnected", async () => {
  const socket = connect({ apiKey: world.apiKey });
  await next(socket, "connect");
  await subscribe(socket, world.channelId);
  let heard = next(socket, "message:created");
  const first = await world.send({ text: "one" });
  assert.equal((await heard).id, first.id);
  socket.io.engine.close();
  await next(socket, "connect");
  await subscribe(socket, world.channelId);
  heard = next(socket, "message:created");
  const second = await world.send({ text: "two" });
  assert.equal((await heard).id, second.id);
});

test("a bad key is a connect_error", async () => {
  for (const auth of [{ apiKey: "hp_wrong" }, {}]) {
    assert.equal((await next(connect(auth), "connect_error")).message, "unauthorized");
  }
});
