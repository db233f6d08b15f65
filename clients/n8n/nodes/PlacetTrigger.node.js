"use strict";

const { createHmac, timingSafeEqual } = require("node:crypto");
const { CREDENTIAL, call } = require("./service.js");

const TOLERANCE_S = 300;

/** Starts a workflow when a person writes to an agent, or when a review of it ends. */
class PlacetTrigger {
  description = {
    name: "placetTrigger",
    displayName: "Placet Trigger",
    description: "Starts the workflow when a person writes, and when a review ends",
    icon: "file:placet.svg",
    group: ["trigger"],
    version: 1,
    defaults: { name: "Placet Trigger" },
    inputs: [],
    outputs: ["main"],
    credentials: [{ name: CREDENTIAL, required: true }],
    webhooks: [{ name: "default", httpMethod: "POST", responseMode: "onReceived", path: "placet" }],
    properties: [{ displayName: "Channel ID", name: "channelId", type: "string", default: "", required: true }],
  };

  webhookMethods = {
    default: {
      /** Whether the channel's webhook is this workflow's, with a secret that is known. */
      async checkExists() {
        return isOwn(this);
      },
      async create() {
        const body = { channelId: this.getNodeParameter("channelId"), url: this.getNodeWebhookUrl("default") };
        const { webhookSecret } = await call(this, "POST", "/api/v1/agents/setWebhook", { body });
        this.getWorkflowStaticData("node").secret = webhookSecret;
        return true;
      },
      /** Leaves a webhook that somebody set since. */
      async delete() {
        if (await isOwn(this)) {
          const body = { channelId: this.getNodeParameter("channelId") };
          await call(this, "POST", "/api/v1/agents/deleteWebhook", { body });
        }
        delete this.getWorkflowStaticData("node").secret;
        return true;
      },
    },
  };

  async webhook() {
    const request = this.getRequestObject();
    const { secret } = this.getWorkflowStaticData("node");
    if (!secret || !isSigned(secret, request.headers, request.rawBody)) {
      this.getResponseObject().status(401).json({ message: "The signature is missing or wrong." });
      return { noWebhookResponse: true };
    }
    return { workflowData: [[{ json: this.getBodyData() }]] };
  }
}

async function isOwn(context) {
  const agents = await call(context, "GET", "/api/v1/agents");
  const agent = agents.find((it) => it.id === context.getNodeParameter("channelId"));
  return agent?.webhookUrl === context.getNodeWebhookUrl("default") && Boolean(context.getWorkflowStaticData("node").secret);
}

/** Whether a delivery is signed as the Standard Webhooks specification says, and recent. */
function isSigned(secret, headers, body) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures = "" } = headers;
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_S)) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  return signatures.split(" ").some((it) => {
    const given = Buffer.from(it.replace(/^v1,/, ""), "base64");
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

module.exports = { PlacetTrigger };
