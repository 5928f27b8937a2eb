/**
 * A server over the store of a handle, as `serve` starts it.
 *
 * @module
 */

import type { Connection } from "../connection/connection.js";
import { checkOptions } from "../values/options.js";

/** Options of a server. */
export interface ServeOptions {
  /** The port to listen on; by default any free one. */
  readonly port?: number | undefined;
  /** The address to listen on; `"127.0.0.1"` by default. One that other machines reach demands a token. */
  readonly address?: string | undefined;
  /** The token; by default a new one. */
  readonly token?: string | undefined;
  /** Whether operations that write are refused. */
  readonly readOnly?: boolean | undefined;
  /** Further names by which the server may be addressed, with a port or for any port. */
  readonly allowHosts?: readonly string[] | undefined;
  /** The origins whose pages may use the server with the token. */
  readonly allowOrigins?: readonly string[] | undefined;
  /** The archive that clients may read at `/v1/archive`: a folder or a bucket. It is read with the keys of the store. */
  readonly archive?: string | URL | undefined;
  /** Writes logs to standard error, for people or as JSON; by default there are none. */
  readonly log?: "human" | "json" | undefined;
}

/** Checks that all options are known. The addon checks their values. */
export function checkServeOptions(options: unknown): asserts options is ServeOptions {
  checkOptions(options, {
    port: "any",
    address: "any",
    token: "any",
    readOnly: "any",
    allowHosts: "any",
    allowOrigins: "any",
    archive: "any",
    log: "any",
  });
}

/** A running server. It keeps Node alive until it is closed. */
export class SessionServer implements AsyncDisposable {
  /** Names the class where objects are printed. */
  readonly [Symbol.toStringTag] = "SessionServer";
  /** The URL for `open`. */
  readonly url: string;
  /** The token for `open`. */
  readonly token: string;
  readonly #connection: Connection;
  readonly #server: number;
  /** Resolves when the server is closed. */
  readonly closed: Promise<void>;
  #isClosing = false;

  /** Starts a server over the store of a connection. */
  constructor(connection: Connection, options: ServeOptions) {
    const { url, token, server, closed } = connection.serve(options);
    this.url = url;
    this.token = token;
    this.#connection = connection;
    this.#server = server;
    this.closed = closed.then(() => undefined);
  }

  /** The URL with the token, for the address bar of a browser. */
  get page(): string {
    return `${this.url}?token=${this.token}`;
  }

  /** Closes the server: ends its streams, and waits for requests that are under way. */
  async close(): Promise<void> {
    if (!this.#isClosing) this.#connection.closeServer(this.#server);
    this.#isClosing = true;
    await this.closed;
  }

  /** See {@link SessionServer.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
