// Processes that compete for the same thing concurrently. Each runs a program of this folder that
// answers requests (`contending.mjs`), and can be killed at any time: a new process then takes its
// place.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const scale = Number(process.env.TENURE_TEST_SCALE ?? "1");

/** The number of processes: fifty at full length. */
export const PROCESSES = Math.max(16, Math.round(50 * scale));
/** The number of rounds. */
export const ROUNDS = Math.max(8, Math.round(50 * scale));
/** The timeout: all rounds take minutes on a small machine. */
export const TIMEOUT = 600_000;

/** A request: the name of the function, and its arguments. */
export interface Question {
  readonly what: string;
  readonly [about: string]: unknown;
}

/** A program of this folder, and its arguments. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: object;
}

interface Message<Reply> {
  readonly reply?: Reply;
  readonly of?: string;
  readonly step?: number;
  readonly end?: string;
}

/** The reports of the processes, by subject. */
export class Reports {
  /** The last completed step. */
  readonly steps = new Map<string, number>();
  /** The error code of the failed next step. */
  readonly ends = new Map<string, string>();

  clear(): void {
    this.steps.clear();
    this.ends.clear();
  }
}

/** A competing process. */
export class Contender<Reply, Hello = object> {
  readonly #process: ChildProcess;
  /** Receives the next reply. */
  #onReply: (reply: Reply | undefined) => void = () => {};
  #hello: Hello | undefined;

  private constructor({ file, args, env }: Program, reports: Reports) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    this.#process = fork(path, args, { env: { ...process.env, ...env } });
    this.#process.on("message", ({ reply, of, step, end }: Message<Reply>) => {
      if (of === undefined) this.#onReply(reply);
      else if (step !== undefined) reports.steps.set(of, step);
      else if (end !== undefined) reports.ends.set(of, end);
    });
    this.#process.on("exit", () => this.#onReply(undefined));
  }

  /** Starts a process; its reports are added to `reports`. */
  static async start<Reply, Hello = object>(
    program: Program,
    reports: Reports,
  ): Promise<Contender<Reply, Hello>> {
    const contender = new Contender<Reply, Hello>(program, reports);
    const hello = await new Promise<unknown>((resolve) => {
      contender.#onReply = resolve;
    });
    expect(hello, `the first reply of ${program.file} ${program.args.join(" ")}`).toBeDefined();
    contender.#hello = hello as Hello;
    return contender;
  }

  /** The message that it sent when it was ready. */
  get hello(): Hello {
    if (this.#hello === undefined) throw new Error("it is not ready yet");
    return this.#hello;
  }

  /** Sends a request. Resolves to the reply, or to `undefined` if the process ends before it. */
  ask(question: Question): Promise<Reply | undefined> {
    return new Promise((resolve) => {
      this.#onReply = resolve;
      this.#process.send(question);
    });
  }

  async kill(): Promise<void> {
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    expect((await exit)[1]).toBe("SIGKILL");
  }
}

/** A fixed number of processes. A killed one is replaced. */
export class Contenders<Reply, Hello = object> {
  /** The processes by place. */
  readonly processes: Contender<Reply, Hello>[] = [];
  /** The reports of all processes. */
  readonly reports = new Reports();
  readonly #program: (place: number, generation: number) => Program;
  #killed = 0;

  constructor(program: (place: number, generation: number) => Program) {
    this.#program = program;
  }

  async start(number: number): Promise<void> {
    const places = Array.from({ length: number }, (_, place) => place);
    this.processes.push(...(await Promise.all(places.map((place) => this.#start(place)))));
  }

  /** The number of killed processes. */
  get killed(): number {
    return this.#killed;
  }

  /**
   * Sends a request to all processes, starting with the place `first`, and kills `victims` of them
   * after `after` milliseconds. Resolves to the replies by place, when all killed processes are
   * replaced.
   */
  async ask(
    question: (place: number) => Question,
    { first = 0, victims = 0, after = 0 } = {},
  ): Promise<(Reply | undefined)[]> {
    const number = this.processes.length;
    const order = this.processes.map((_, turn) => (first + turn) % number);
    const replies: Promise<Reply | undefined>[] = [];
    for (const place of order) replies[place] = this.at(place).ask(question(place));
    if (victims > 0) {
      await new Promise((resolve) => setTimeout(resolve, after));
      await Promise.all(order.slice(0, victims).map((place) => this.kill(place)));
    }
    return Promise.all(replies);
  }

  /** Kills the process in a place, and starts a new one there. */
  async kill(place: number): Promise<void> {
    this.#killed += 1;
    await this.at(place).kill();
    this.processes[place] = await this.#start(place);
  }

  /** Kills all processes. */
  async end(): Promise<void> {
    await Promise.all(this.processes.splice(0).map((contender) => contender.kill()));
  }

  /** The process in a place. */
  at(place: number): Contender<Reply, Hello> {
    const process = this.processes[place];
    if (process === undefined) throw new Error(`no contender in place ${place}`);
    return process;
  }

  #start(place: number): Promise<Contender<Reply, Hello>> {
    return Contender.start(this.#program(place, this.#killed), this.reports);
  }
}
