"use strict";

/** The address of a service and an API key. */
class PlacetServerlessApi {
  name = "placetServerlessApi";
  displayName = "Placet (serverless) API";
  icon = "file:placet.svg";
  properties = [
    { displayName: "URL", name: "url", type: "string", default: "http://127.0.0.1:3001", required: true },
    { displayName: "API Key", name: "apiKey", type: "string", typeOptions: { password: true }, default: "", required: true },
  ];
  authenticate = { type: "generic", properties: { headers: { Authorization: "=Bearer {{$credentials.apiKey}}" } } };
  test = { request: { baseURL: "={{$credentials.url}}", url: "/api/v1/agents" } };
}

module.exports = { PlacetServerlessApi };
