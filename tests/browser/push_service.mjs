// A push service on loopback with one subscription, whose messages it decrypts as a browser does (RFC 8291).
import { once } from "node:events";
import { createServer } from "node:http";

const { subtle } = globalThis.crypto;
const P256 = { name: "ECDH", namedCurve: "P-256" };
const text = (value) => new TextEncoder().encode(value);
const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

async function derive(secret, salt, info, length) {
  const key = await subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  return new Uint8Array(await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, key, length * 8));
}

export class PushService {
  static async start() {
    const service = new PushService();
    service.keys = await subtle.generateKey(P256, true, ["deriveBits"]);
    service.point = new Uint8Array(await subtle.exportKey("raw", service.keys.publicKey));
    service.auth = crypto.getRandomValues(new Uint8Array(16));
    service.payloads = [];
    service.status = 201;
    service.server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      service.payloads.push(JSON.parse(await service.decrypt(Buffer.concat(chunks))));
      response.writeHead(service.status).end();
      service.server.emit("pushed");
    });
    await once(service.server.listen(0, "127.0.0.1"), "listening");
    return service;
  }

  get subscription() {
    const endpoint = `http://127.0.0.1:${this.server.address().port}/send/one`;
    return { endpoint, keys: { p256dh: base64url(this.point), auth: base64url(this.auth) } };
  }

  // The message with this number, the first being 0.
  async payload(number) {
    while (this.payloads.length <= number) await once(this.server, "pushed");
    return this.payloads[number];
  }

  async decrypt(body) {
    const [salt, sender, record] = [body.subarray(0, 16), body.subarray(21, 86), body.subarray(86)];
    const senderKey = await subtle.importKey("raw", sender, P256, false, []);
    const shared = await subtle.deriveBits({ name: "ECDH", public: senderKey }, this.keys.privateKey, 256);
    const info = Buffer.concat([text("WebPush: info\0"), this.point, sender]);
    const input = await derive(shared, this.auth, info, 32);
    const bytes = await derive(input, salt, text("Content-Encoding: aes128gcm\0"), 16);
    const iv = await derive(input, salt, text("Content-Encoding: nonce\0"), 12);
    const key = await subtle.importKey("raw", bytes, "AES-GCM", false, ["decrypt"]);
    const plain = Buffer.from(await subtle.decrypt({ name: "AES-GCM", iv }, key, record));
    return plain.subarray(0, plain.lastIndexOf(2)).toString();
  }

  stop() {
    this.server.close();
  }
}
