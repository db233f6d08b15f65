"use strict";

const { NodeHelpers, NodeOperationError, WAIT_INDEFINITELY } = require("n8n-workflow");
const { CREDENTIAL, answerOf, call, nameOf, untilDecided } = require("./service.js");

/** Asks a person and goes on with the answer, or sends a message. */
class Placet {
  description = {
    name: "placet",
    displayName: "Placet",
    description: "Ask a person and go on with the answer",
    icon: "file:placet.svg",
    group: ["output"],
    version: 1,
    subtitle: '={{ $parameter["operation"] }}',
    defaults: { name: "Placet" },
    inputs: ["main"],
    outputs: ["main"],
    credentials: [{ name: CREDENTIAL, required: true }],
    // The call of the service that ends a wait.
    webhooks: [
      { name: "default", httpMethod: "POST", responseMode: "onReceived", path: "={{ $nodeId }}", restartWebhook: true, isFullPath: true },
    ],
    properties: [
      {
        displayName: "Operation",
        name: "operation",
        type: "options",
        noDataExpression: true,
        default: "ask",
        options: [
          { name: "Ask and Wait", value: "ask", action: "Ask a person and wait for the answer" },
          { name: "Send a Message", value: "send", action: "Send a message" },
        ],
      },
      { displayName: "Channel ID", name: "channelId", type: "string", default: "", required: true },
      { displayName: "Text", name: "text", type: "string", typeOptions: { rows: 3 }, default: "", required: true },
      {
        displayName: "Review",
        name: "review",
        type: "json",
        default: '{ "type": "approval" }',
        description: "As POST /api/v1/messages takes it: type, payload, action, expiresInSeconds",
        displayOptions: { show: { operation: ["ask"] } },
      },
      {
        displayName: "Wait By",
        name: "waitBy",
        type: "options",
        default: "polling",
        description: "Polling keeps the execution running. A webhook suspends it, and needs an address that the service reaches.",
        options: [
          { name: "Polling", value: "polling" },
          { name: "Webhook", value: "webhook" },
        ],
        displayOptions: { show: { operation: ["ask"] } },
      },
    ],
  };

  async execute() {
    const items = this.getInputData();
    const isSuspended = this.getNodeParameter("operation", 0) === "ask" && this.getNodeParameter("waitBy", 0) === "webhook";
    if (isSuspended && items.length > 1) {
      throw new NodeOperationError(this.getNode(), "A wait by webhook takes one item: put a loop over the items before it.");
    }
    if (isSuspended) {
      const { id } = await send(this, 0, { webhookUrl: this.getSignedResumeUrl() });
      this.getContext("node").asked = id;
      await this.putExecutionToWait(WAIT_INDEFINITELY);
      return [items];
    }
    const results = items.map((_, index) => run(this, index));
    return [await Promise.all(results)];
  }

  /** Reads the answer from the service: what the call says of it is not believed. */
  async webhook() {
    const stored = NodeHelpers.getContext(this.runExecutionData, "node", this.getNode());
    const message = await call(this, "GET", `/api/v1/reviews/${stored.asked}`);
    // A repeated delivery of an earlier question.
    if (message.review.status === "pending") return { webhookResponse: "still pending" };
    return { workflowData: [[{ json: await answerOf(this, message, nameOf(this, stored)), pairedItem: { item: 0 } }]] };
  }
}

/** The output of one item. */
async function run(context, index) {
  try {
    const message = await send(context, index);
    const isAsked = context.getNodeParameter("operation", index) === "ask";
    const name = nameOf(context, context.getContext("node"));
    const json = isAsked ? await answerOf(context, await untilDecided(context, message.id), name) : message;
    return { json, pairedItem: { item: index } };
  } catch (fault) {
    if (!context.continueOnFail()) throw fault;
    return { json: { allowed: false, error: fault.message }, pairedItem: { item: index } };
  }
}

/** Sends the message of one item. Its id makes a repeat of the node, in the same execution, the same message. */
async function send(context, index, more) {
  const { $runIndex } = context.getWorkflowDataProxy(index);
  const body = {
    channelId: context.getNodeParameter("channelId", index),
    clientId: [nameOf(context, context.getContext("node")), $runIndex, index].join("-"),
    text: context.getNodeParameter("text", index),
    ...more,
  };
  if (context.getNodeParameter("operation", index) === "ask") {
    const review = context.getNodeParameter("review", index);
    body.review = typeof review === "string" ? JSON.parse(review) : review;
  }
  return await call(context, "POST", "/api/v1/messages", { body });
}

module.exports = { Placet };
