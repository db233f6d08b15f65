// A host of n8n's engine (npm n8n-core), in the place of n8n's own server, which has 2,000 packages. Of n8n are: the loading
// of the package, expressions, requests, the execution of workflows, their suspension, and what a node sees of a webhook. Of
// this file are: the reading of credentials, HTTP, and the store of suspended executions (as JSON, as in n8n's database).
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";

// Node.js cannot import their ES modules.
const require = createRequire(import.meta.url);
require("reflect-metadata");
const { ExecutionLifecycleHooks, HookContext, PackageDirectoryLoader, WebhookContext, WorkflowExecute } = require("n8n-core");
const { SSHClientsManager } = require("n8n-core/dist/execution-engine/ssh-clients-manager");
const { ICredentialsHelper, NodeHelpers, Workflow, createRunExecutionData } = require("n8n-workflow");
const { Container } = require("@n8n/di");

/** The credentials of one service. */
class Credentials extends ICredentialsHelper {
  constructor(types, data) {
    super();
    this.types = types;
    this.data = data;
  }

  getParentTypes() {
    return [];
  }

  async preAuthentication() {}

  async getDecrypted() {
    return { ...this.data };
  }

  async authenticate(data, type, request, workflow, node) {
    const { headers } = this.types[type].type.authenticate.properties;
    for (const [name, text] of Object.entries(headers)) {
      request.headers[name] = workflow.expression.getSimpleParameterValue(node, text, "internal", { $credentials: data });
    }
    return request;
  }
}

export class Engine {
  /** By the execution's id: its workflow, the data of a suspended one, and what `settled` waits for. */
  executions = new Map();
  /** By the path of its URL: the workflow that a webhook starts. */
  webhooks = new Map();
  /** Emits `started` and `resumed` with an execution's id. */
  events = new EventEmitter();

  /**
   * Loads a package of nodes, and of n8n's own those whose files are named; then serves webhooks on a free port.
   * `credentials` are of the package's type.
   */
  static async start(directory, credentials, base, files) {
    const engine = new Engine();
    const loaders = [directory, base].map((it) => new PackageDirectoryLoader(it));
    await loaders[0].loadAll();
    for (const file of files) loaders[1].loadNodeFromFile(file);
    const getByName = (type) => {
      const [packageName, name] = type.split(".");
      return loaders.find((it) => it.packageName === packageName).getNode(name).type;
    };
    const getByNameAndVersion = (type, version) => NodeHelpers.getVersionedNodeType(getByName(type), version);
    engine.nodeTypes = { getByName, getByNameAndVersion, getKnownTypes: () => ({}) };
    engine.credentials = new Credentials(loaders[0].credentialTypes, credentials);
    engine.server = createServer((request, response) => void engine.serve(request, response)).listen(0, "127.0.0.1");
    await once(engine.server, "listening");
    engine.url = `http://127.0.0.1:${engine.server.address().port}`;
    return engine;
  }

  async stop() {
    // It holds a timer.
    Container.get(SSHClientsManager).onShutdown();
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  workflow({ id, name, nodes, connections, staticData }) {
    const settings = { executionOrder: "v1" };
    return new Workflow({ id, name, nodes, connections, staticData, settings, active: true, nodeTypes: this.nodeTypes });
  }

  /** What n8n's server passes to its engine. */
  additional(executionId, definition, more) {
    return {
      credentialsHelper: this.credentials,
      hooks: new ExecutionLifecycleHooks("trigger", executionId, definition),
      executionId,
      currentNodeExecutionIndex: 0,
      variables: {},
      setExecutionStatus: () => {},
      webhookBaseUrl: `${this.url}/webhook`,
      webhookWaitingBaseUrl: `${this.url}/webhook-waiting`,
      ...more,
    };
  }

  /** Starts a workflow with its first node, and returns the execution's id. */
  execute(definition, input = [{ json: {} }]) {
    const id = String(this.executions.size + 1);
    const [first] = Object.values(this.workflow(definition).nodes);
    const nodeExecutionStack = [{ node: first, data: { main: [input] }, source: null }];
    this.executions.set(id, { definition });
    this.proceed(id, createRunExecutionData({ executionData: { nodeExecutionStack } }));
    return id;
  }

  /** The run of an execution, once it has ended or is suspended. */
  async settled(id) {
    return await this.executions.get(id).settled;
  }

  /** Runs an execution until it ends or is suspended. */
  proceed(id, data) {
    const execution = this.executions.get(id);
    const { definition } = execution;
    const run = new WorkflowExecute(this.additional(id, definition), "trigger", data);
    execution.settled = run.processRunExecutionData(this.workflow(definition)).then((it) => {
      execution.stored = it.status === "waiting" ? JSON.stringify(it.data) : undefined;
      return it;
    });
  }

  /** Calls a method of the trigger's webhook, as n8n does when a workflow is turned on and off. */
  async hook(definition, name) {
    const workflow = this.workflow(definition);
    const [node] = Object.values(workflow.nodes);
    const [webhookDescription] = this.nodeTypes.getByName(node.type).description.webhooks;
    const context = new HookContext(workflow, node, this.additional(undefined, definition), "trigger", "activate", {
      webhookDescription,
    });
    const result = await workflow.nodeTypes.getByName(node.type).webhookMethods.default[name].call(context);
    definition.staticData = workflow.staticData;
    return { result, url: context.getNodeWebhookUrl("default") };
  }

  async activate(definition) {
    const { result, url } = await this.hook(definition, "checkExists");
    if (!result) await this.hook(definition, "create");
    this.webhooks.set(new URL(url).pathname, definition);
    return url;
  }

  async deactivate(definition) {
    const { url } = await this.hook(definition, "delete");
    this.webhooks.delete(new URL(url).pathname);
  }

  async serve(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    request.rawBody = Buffer.concat(chunks);
    request.body = JSON.parse(request.rawBody);
    response.status = (code) => Object.assign(response, { statusCode: code });
    response.json = (body) => response.end(JSON.stringify(body));
    const { pathname } = new URL(request.url, this.url);
    const [, kind, id] = pathname.split("/");
    try {
      const stored = this.executions.get(id)?.stored;
      if (kind === "webhook-waiting" && stored) await this.resume(id, JSON.parse(stored), request, response);
      else if (this.webhooks.has(pathname)) await this.trigger(this.webhooks.get(pathname), request, response);
      else response.status(404).end();
    } catch (fault) {
      response.status(500).json({ message: String(fault) });
    }
  }

  async trigger(definition, request, response) {
    const workflow = this.workflow(definition);
    const [node] = Object.values(workflow.nodes);
    const items = await this.receive(workflow, node, definition, undefined, request, response);
    if (items) this.events.emit("started", this.execute(definition, items));
  }

  async resume(id, data, request, response) {
    const { definition } = this.executions.get(id);
    const workflow = this.workflow(definition);
    const node = workflow.getNode(data.resultData.lastNodeExecuted);
    const items = await this.receive(workflow, node, definition, [id, data], request, response);
    if (!items) return;
    data.executionData.nodeExecutionStack[0].data = { main: [items] };
    this.proceed(id, data);
    this.events.emit("resumed", id);
  }

  /** The items that a node makes of a request, which is answered as the node says. */
  async receive(workflow, node, definition, [id, data] = [undefined, null], request, response) {
    const additional = this.additional(id, definition, { httpRequest: request, httpResponse: response });
    const type = this.nodeTypes.getByName(node.type);
    const [webhookDescription] = type.description.webhooks;
    const context = new WebhookContext(workflow, node, additional, "trigger", { webhookDescription }, [], data);
    const { workflowData, noWebhookResponse } = await type.webhook.call(context);
    if (!noWebhookResponse) response.json({ message: "Workflow was started" });
    return workflowData?.[0];
  }
}
