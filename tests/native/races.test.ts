// Many processes want the same lease at the same time, round after round, and half of those that get it
// are killed while they have it: each round has one winner, tokens only grow, and nobody's registration
// is lost.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { newRegistry, registryView } from "../support/registry.js";

const scale = Number(process.env.TENURE_TEST_SCALE ?? "1");
const ROUNDS = Math.max(10, Math.round(100 * scale));
const PROCESSES = 50;
/** All rounds take minutes on a small machine. */
const TIMEOUT = 600_000;

const program = fileURLToPath(new URL("../support/contender.mjs", import.meta.url));

interface Reply {
  readonly outcome: string;
  readonly token: number;
  readonly holder: string;
}

/** A process that contends, and its name in the registry. */
class Contender {
  readonly vmId: string;
  readonly #process: ChildProcess;
  sessionId = "";

  constructor(vmId: string, env: object) {
    this.vmId = vmId;
    this.#process = fork(program, [vmId], { env: { ...process.env, ...env } });
  }

  async ready(): Promise<this> {
    const [{ registered, sessionId }] = await once(this.#process, "message");
    expect(registered, this.vmId).toBe(true);
    this.sessionId = sessionId;
    return this;
  }

  async ask(question: "acquire" | "release"): Promise<Reply> {
    const reply = once(this.#process, "message");
    this.#process.send(question);
    return (await reply)[0];
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const exit = once(this.#process, "exit");
    this.#process.kill(signal);
    expect((await exit)[1]).toBe(signal);
  }
}

let contenders: Contender[] = [];

afterEach(async () => {
  await Promise.all(contenders.splice(0).map((contender) => contender.end("SIGKILL")));
});

describe("a lease that fifty processes want", () => {
  it(
    "has one winner each round, and a higher token, though winners are killed",
    async () => {
      const env = newRegistry();
      const start = (n: number): Promise<Contender> => new Contender(`vm-${n}`, env).ready();
      contenders = await Promise.all(Array.from({ length: PROCESSES }, (_, n) => start(n)));
      const killed: Contender[] = [];
      const tokens: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const replies = await Promise.all(contenders.map((contender) => contender.ask("acquire")));
        const winners = contenders.filter((_, index) => replies[index]?.outcome === "acquired");
        expect(winners, `round ${round}`).toHaveLength(1);
        const [winner] = winners as [Contender];
        for (const { outcome, holder } of replies) {
          expect(["acquired", "held"]).toContain(outcome);
          expect(holder).toBe(winner.sessionId);
        }
        tokens.push(replies[0]?.token ?? 0);
        if (round % 2 === 0) {
          expect((await winner.ask("release")).outcome).toBe("released");
        } else {
          await new Promise((resolve) => setTimeout(resolve, round % 7));
          await winner.end("SIGKILL");
          killed.push(winner);
          const heir = await start(PROCESSES + round);
          contenders = contenders.map((contender) => (contender === winner ? heir : contender));
        }
      }
      expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
      expect(killed.length).toBe(Math.floor(ROUNDS / 2));

      const { sessions, orphans } = registryView(env);
      const running = contenders.map(({ sessionId, vmId }) => [sessionId, vmId]);
      const listed = Object.values(sessions).map(({ sessionId, vm }) => [sessionId, vm?.vmId]);
      expect(listed).toEqual(expect.arrayContaining(running));
      expect(listed.filter(([, vmId]) => vmId !== undefined)).toHaveLength(PROCESSES);
      expect(orphans.map(({ vmId }) => vmId).sort()).toEqual(killed.map(({ vmId }) => vmId).sort());
    },
    TIMEOUT,
  );
});
