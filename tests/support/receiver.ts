// A receiver of webhooks over HTTP, which answers as a test says.

import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

/** A request that was received. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers the request of this number, which counts from 1. */
export type Answer = (number: number, response: ServerResponse) => void;

/** Answers that the delivery has arrived. */
export const accepted: Answer = (_, response) => {
  response.writeHead(204).end();
};

/** A receiver. */
export class Receiver implements AsyncDisposable {
  readonly received: Received[] = [];
  answer: Answer = accepted;
  readonly #server: Server;
  #port = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      request.on("end", () => {
        this.received.push({ headers: request.headers, body });
        this.answer(this.received.length, response);
      });
    });
  }

  /** Starts to listen, on the port of the last time. */
  async start(): Promise<this> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Refuses connections. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hooks?key=hidden`;
  }

  /** The ids of what was received. */
  get ids(): readonly unknown[] {
    return this.received.map(({ headers }) => headers["webhook-id"]);
  }

  /** The events of what was received. */
  get events(): readonly string[] {
    return this.received.map(({ body }) => (JSON.parse(body) as { event: string }).event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A receiver that listens. */
export function receiving(answer: Answer = accepted): Promise<Receiver> {
  const receiver = new Receiver();
  receiver.answer = answer;
  return receiver.start();
}
