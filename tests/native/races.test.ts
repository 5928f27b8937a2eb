// Many processes request the same lease concurrently, round after round, and half of the winners
// are killed while they hold it: each round has one winner, tokens only grow, and no registration
// is lost.

import { afterEach, describe, expect, it } from "vitest";
import { Contenders, PROCESSES, ROUNDS, TIMEOUT } from "../support/contenders.js";
import { newRegistry, registryView } from "../support/registry.js";

interface Owner {
  readonly vmId: string;
  readonly registered: boolean;
  readonly sessionId: string;
}

interface Reply {
  readonly outcome: string;
  readonly token: number;
  readonly holder: string;
}

let contenders: Contenders<Reply, Owner> | undefined;

afterEach(() => contenders?.end());

describe("a lease that many processes request", () => {
  it(
    "has one winner in each round, with a higher token, although winners are killed",
    async () => {
      const env = newRegistry();
      contenders = new Contenders((place, generation) => {
        return { file: "contender.mjs", args: [`vm-${place}-${generation}`], env };
      });
      await contenders.start(PROCESSES);
      const { processes } = contenders;
      const killed: string[] = [];
      const tokens: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const replies = await contenders.ask(() => ({ what: "acquire" }));
        const outcomes = replies.map((reply) => reply?.outcome);
        const won = outcomes.flatMap((outcome, place) => (outcome === "acquired" ? [place] : []));
        expect(won, `round ${round}`).toHaveLength(1);
        expect(new Set(outcomes)).toEqual(new Set(["acquired", "held"]));
        const [place = 0] = won;
        const winner = contenders.at(place);
        const { sessionId, vmId } = winner.hello;
        expect(new Set(replies.map((reply) => reply?.holder))).toEqual(new Set([sessionId]));
        tokens.push(replies[0]?.token ?? 0);
        if (round % 2 === 0) {
          const released = await winner.ask({ what: "release" });
          expect(released?.outcome).toBe("released");
        } else {
          await new Promise((resolve) => setTimeout(resolve, round % 7));
          await contenders.kill(place);
          killed.push(vmId);
        }
      }
      expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
      expect(killed.length).toBe(Math.floor(ROUNDS / 2));

      expect(processes.map(({ hello }) => hello.registered)).toEqual(processes.map(() => true));
      const { sessions, orphans } = registryView(env);
      const running = processes.map(({ hello }) => [hello.sessionId, hello.vmId]);
      const listed = Object.values(sessions).map(({ sessionId, vm }) => [sessionId, vm?.vmId]);
      expect(listed).toEqual(expect.arrayContaining(running));
      expect(listed.filter(([, vmId]) => vmId !== undefined)).toHaveLength(PROCESSES);
      expect(orphans.map(({ vmId }) => vmId).sort()).toEqual(killed.sort());
    },
    TIMEOUT,
  );
});
