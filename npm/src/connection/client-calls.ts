/**
 * The calls of a server's clients over a store that is written in JavaScript. Each runs as a call of the handle
 * does, and its answer goes back to the server as it is.
 *
 * @module
 */

import { type Binding, type ClientCall, neededBy } from "../builds/binding.js";
import type { OperationName } from "./call.js";
import { continued, type StoreDriver } from "./store-driver.js";

/** The time after which the calls that wait let other tasks of the program run, in milliseconds. */
const SLICE_MS = 10;

/** Performs the calls of clients. */
export class ClientCalls {
  readonly #binding: Binding;
  readonly #handle: number;
  readonly #driver: StoreDriver;
  readonly #performed: (name: OperationName) => void;
  readonly #waiting: ClientCall[] = [];
  #isStarting = false;

  /** Performs calls over the store of a handle. `performed` is called after each. */
  constructor(
    binding: Binding,
    handle: number,
    driver: StoreDriver,
    performed: (name: OperationName) => void,
  ) {
    this.#binding = binding;
    this.#handle = handle;
    this.#driver = driver;
    this.#performed = performed;
  }

  /** Performs a call, after those that wait. */
  add(call: ClientCall): void {
    this.#waiting.push(call);
    if (!this.#isStarting) void this.#start();
  }

  async #start(): Promise<void> {
    this.#isStarting = true;
    let began = performance.now();
    for (let call = this.#waiting.shift(); call !== undefined; call = this.#waiting.shift()) {
      void this.#perform(call);
      if (performance.now() - began < SLICE_MS) continue;
      await new Promise((resolve) => setTimeout(resolve, 0));
      began = performance.now();
    }
    this.#isStarting = false;
  }

  async #perform({ server, call, name }: ClientCall): Promise<void> {
    let answer = this.#binding.startCall?.(this.#handle, server, call) ?? "";
    for (let need = neededBy(answer); need !== undefined; need = neededBy(answer)) {
      const asked = this.#driver.ask(need);
      const outcome = asked instanceof Promise ? await asked : asked;
      answer = continued(this.#binding, this.#handle, need.operation, outcome);
    }
    this.#binding.answerCall?.(server, call, answer);
    this.#performed(name);
  }
}
