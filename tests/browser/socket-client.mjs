// The official client of Socket.IO for JavaScript, as tests/clients/sockets.py runs the one for Python: prints what happens,
// and emits what it reads: ["name", data] per line.
//
//   node socket-client.mjs URL AUTH CHANNEL...
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [address, auth, ...channels] = process.argv.slice(2);
const { origin, pathname } = new URL(address);
const say = (event, data = null) => console.log(JSON.stringify({ event, data }));

const socket = io(`${origin}/ws`, {
  path: pathname === "/" ? "/socket.io" : pathname,
  transports: ["websocket"],
  auth: JSON.parse(auth),
  reconnectionDelay: 50,
  reconnectionDelayMax: 100,
});
socket.on("connect", () => {
  channels.forEach((channel) => socket.emit("subscribe:channel", channel));
  socket.emit("ping");
});
socket.on("pong", () => say("ready"));
socket.on("disconnect", () => say("disconnected"));
socket.on("connect_error", (error) => say("refused", { message: error.message }));
socket.onAny((name, data) => name !== "pong" && say(name, data));

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => socket.emit(...JSON.parse(line)));
lines.on("close", () => socket.close());
