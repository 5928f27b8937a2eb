// Processes that all want the same at the same time. Each runs a program of this folder that answers
// questions (`contending.mjs`), and may be killed whenever: somebody else then takes its place.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const scale = Number(process.env.TENURE_TEST_SCALE ?? "1");

/** How many contend. */
export const PROCESSES = 50;
/** How often. */
export const ROUNDS = Math.max(10, Math.round(100 * scale));
/** All rounds take minutes on a small machine. */
export const TIMEOUT = 600_000;

/** A question: which one, and what it is about. */
export interface Question {
  readonly what: string;
  readonly [about: string]: unknown;
}

/** A program of this folder, and what it is started with. */
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

/** What the processes have reported, by what it is about. */
export class Reports {
  /** The last step that was taken. */
  readonly steps = new Map<string, number>();
  /** The code of the error that the next step met. */
  readonly ends = new Map<string, string>();

  clear(): void {
    this.steps.clear();
    this.ends.clear();
  }
}

/** A process that contends. */
export class Contender<Reply, Hello = object> {
  readonly #process: ChildProcess;
  /** Whom the next reply is for. */
  #heard: (reply: Reply | undefined) => void = () => {};
  #hello: Hello | undefined;

  private constructor({ file, args, env }: Program, reports: Reports) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    this.#process = fork(path, args, { env: { ...process.env, ...env } });
    this.#process.on("message", ({ reply, of, step, end }: Message<Reply>) => {
      if (of === undefined) this.#heard(reply);
      else if (step !== undefined) reports.steps.set(of, step);
      else if (end !== undefined) reports.ends.set(of, end);
    });
    this.#process.on("exit", () => this.#heard(undefined));
  }

  /** Starts one; what it reports is put into `reports`. */
  static async start<Reply, Hello = object>(
    program: Program,
    reports: Reports,
  ): Promise<Contender<Reply, Hello>> {
    const contender = new Contender<Reply, Hello>(program, reports);
    const hello = await new Promise<unknown>((resolve) => {
      contender.#heard = resolve;
    });
    expect(hello, `the first words of ${program.file} ${program.args.join(" ")}`).toBeDefined();
    contender.#hello = hello as Hello;
    return contender;
  }

  /** What it said when it was ready. */
  get hello(): Hello {
    if (this.#hello === undefined) throw new Error("it has said nothing yet");
    return this.#hello;
  }

  /** Its answer, or nothing if it ends before it gives one. */
  ask(question: Question): Promise<Reply | undefined> {
    return new Promise((resolve) => {
      this.#heard = resolve;
      this.#process.send(question);
    });
  }

  async kill(): Promise<void> {
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    expect((await exit)[1]).toBe("SIGKILL");
  }
}

/** So many of them, in places that are never empty. */
export class Contenders<Reply, Hello = object> {
  /** Who is in which place. */
  readonly members: Contender<Reply, Hello>[] = [];
  /** How far anybody has come with something. */
  readonly reports = new Reports();
  readonly #program: (place: number, generation: number) => Program;
  #killed = 0;

  constructor(program: (place: number, generation: number) => Program) {
    this.#program = program;
  }

  async start(number: number): Promise<void> {
    const places = Array.from({ length: number }, (_, place) => place);
    this.members.push(...(await Promise.all(places.map((place) => this.#start(place)))));
  }

  /** How many were killed. */
  get killed(): number {
    return this.#killed;
  }

  /**
   * Asks all of them, beginning with the place `first`, and kills the `victims` soon after that.
   * Resolves to their answers by place, when nobody is dead any more.
   */
  async ask(
    question: (place: number) => Question,
    { first = 0, victims = 0, after = 0 } = {},
  ): Promise<(Reply | undefined)[]> {
    const number = this.members.length;
    const order = this.members.map((_, turn) => (first + turn) % number);
    const replies: Promise<Reply | undefined>[] = [];
    for (const place of order) replies[place] = this.at(place).ask(question(place));
    if (victims > 0) {
      await new Promise((resolve) => setTimeout(resolve, after));
      await Promise.all(order.slice(0, victims).map((place) => this.kill(place)));
    }
    return Promise.all(replies);
  }

  /** Kills whoever is in a place, and starts somebody else there. */
  async kill(place: number): Promise<void> {
    this.#killed += 1;
    await this.at(place).kill();
    this.members[place] = await this.#start(place);
  }

  /** Kills all of them. */
  async end(): Promise<void> {
    await Promise.all(this.members.splice(0).map((contender) => contender.kill()));
  }

  /** Who is in a place. */
  at(place: number): Contender<Reply, Hello> {
    const member = this.members[place];
    if (member === undefined) throw new Error(`nobody is in place ${place}`);
    return member;
  }

  #start(place: number): Promise<Contender<Reply, Hello>> {
    return Contender.start(this.#program(place, this.#killed), this.reports);
  }
}
