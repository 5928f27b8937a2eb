// Secrets in tool arguments and results are redacted before they are stored, in every store.

import { type OpenOptions, openSync } from "tenure";
import { describe, expect, it } from "vitest";
import { everyStore } from "../support/stores.js";

const TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

describe.each(everyStore)("secrets %s", (_, open) => {
  it("are redacted in a tool's arguments and result, and nothing else is", async () => {
    const sessions = await open();
    const { id } = await sessions.start({ task: "t", mode: "m" });
    const args = { url: "https://me:hunter2@db", nested: [{ apiKey: "k", maxTokens: 5 }], n: 1 };
    await sessions.recordToolCall(id, "fetch", args, { password: "in a result" });
    await sessions.addEvent(id, "tool_call", { tool: "bash", args: { cmd: `T=${TOKEN}` } });
    await sessions.addEvents(id, [{ type: "note", data: { args: { token: "no call" } } }]);
    const history = (await sessions.get(id))?.history ?? [];
    expect(history.slice(1).map(({ data }) => data)).toEqual([
      {
        tool: "fetch",
        args: {
          url: "https://me:[redacted]@db",
          nested: [{ apiKey: "[redacted]", maxTokens: 5 }],
          n: 1,
        },
        result: { password: "[redacted]" },
      },
      { tool: "bash", args: { cmd: "T=[redacted]" } },
      { args: { token: "no call" } },
    ]);
  });
});

describe("the option redact", () => {
  const kept = (redact: OpenOptions["redact"], args: object): unknown => {
    using sessions = openSync("memory:", { redact });
    const { id } = sessions.start({ task: "t", mode: "m" });
    sessions.recordToolCall(id, "tool", args);
    return sessions.get(id)?.history[1]?.data.args;
  };

  it("adds names and patterns, and switches it off", () => {
    const args = { pin: "1234", at: "host corp-7", password: "p" };
    expect(kept({ names: ["PIN"], patterns: ["corp-*"] }, args)).toEqual({
      pin: "[redacted]",
      at: "host [redacted]",
      password: "[redacted]",
    });
    expect(kept(undefined, args)).toEqual({ ...args, password: "[redacted]" });
    expect(kept(true, args)).toEqual({ ...args, password: "[redacted]" });
    expect(kept(false, args)).toEqual(args);
  });

  it("is refused with other values", () => {
    expect(() => kept({ names: [""] }, {})).toThrow(/redact\.names: expected/);
    expect(() => kept({ pattern: [] } as never, {})).toThrow(/`pattern` is not known/);
  });
});
