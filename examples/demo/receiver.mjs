// A receiver of webhooks on the loopback address.

import { createServer } from "node:http";

/** @typedef {import("tenure").WebhookPayload} WebhookPayload */

/** Listens on a free port of 127.0.0.1 and stores the received payloads. */
export async function startReceiver() {
  /** @type {WebhookPayload[]} */
  const payloads = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    payloads.push(JSON.parse(body));
    response.writeHead(204).end();
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", () => resolve(undefined));
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}/webhooks/sessions`,
    payloads,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
