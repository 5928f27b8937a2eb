// Spans of OpenTelemetry: one for each operation of a handle with a tracer, whose position is stored.

import { openSync } from "tenure";
import { describe, expect, it, vi } from "vitest";
import { failure } from "../support/failures.js";
import { opening } from "../support/stores.js";

interface Made {
  readonly name: string;
  readonly attributes: Record<string, unknown>;
  readonly parent: string;
  status: number | undefined;
  ended: number;
}

/** A tracer, as that of `@opentelemetry/api` is, whose spans are looked at. */
function recording() {
  const spans: Made[] = [];
  return {
    spans,
    startSpan(
      name: string,
      options?: { readonly kind?: number; readonly attributes?: Record<string, string> },
    ) {
      const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
      const spanId = (spans.length + 1).toString(16).padStart(16, "0");
      const made: Made = {
        name,
        attributes: { ...options?.attributes, kind: options?.kind },
        parent: `00-${traceId}-${spanId}-01`,
        status: undefined,
        ended: 0,
      };
      spans.push(made);
      return {
        spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
        setAttribute: (key: string, value: unknown) => {
          made.attributes[key] = value;
        },
        setStatus: ({ code }: { readonly code: number }) => {
          made.status = code;
        },
        end: () => {
          made.ended += 1;
        },
      };
    },
  };
}

const START = { id: "a", task: "a secret", mode: "m" };

describe("a handle with a tracer", () => {
  it.each(["startSpan", "spanContext", "setAttribute", "setStatus", "end"])(
    "works although its %s fails, which is reported once",
    async (failing) => {
      const reported = vi.spyOn(console, "error").mockImplementation(() => {});
      const broken = <T extends object>(of: T): T =>
        failing in of
          ? Object.assign(of, {
              [failing]: () => {
                throw new Error("the exporter is broken");
              },
            })
          : of;
      const { startSpan } = recording();
      const tracer = broken({ startSpan: (name: string) => broken(startSpan(name)) });
      const sessions = await opening("memory:", { tracer });
      expect((await sessions.start(START)).id).toBe("a");
      expect(await failure(sessions.get("no such id", { history: -1 }))).toMatchObject({
        code: "INVALID_ARGUMENT",
      });
      expect(await failure(sessions.pause("b"))).toMatchObject({ code: "SESSION_NOT_FOUND" });
      expect(reported).toHaveBeenCalledTimes(1);
      reported.mockRestore();
    },
  );

  it("stores no position of a tracer that records nothing", async () => {
    const context = { traceId: "0".repeat(32), spanId: "0".repeat(16), traceFlags: 0 };
    const { startSpan } = recording();
    const tracer = {
      startSpan: (name: string) => ({ ...startSpan(name), spanContext: () => context }),
    };
    const sessions = await opening("memory:", { tracer });
    await sessions.start(START);
    expect((await sessions.traces("a")).items).toEqual([]);
  });

  it("makes a span for each operation, without its parameters", async () => {
    const tracer = recording();
    const sessions = await opening("memory:", { tracer });
    await sessions.start(START);
    await sessions.complete("a", "r");
    expect(await failure(sessions.pause("a"))).toMatchObject({ code: "INVALID_TRANSITION" });
    const [start, complete, pause] = tracer.spans;
    expect(start).toMatchObject({
      name: "tenure.start",
      attributes: { "db.system.name": "tenure", "db.operation.name": "start", kind: 2 },
      ended: 1,
    });
    expect(start?.status).toBeUndefined();
    expect(complete?.name).toBe("tenure.complete");
    expect(pause).toMatchObject({
      attributes: { "error.type": "INVALID_TRANSITION" },
      status: 2,
      ended: 1,
    });
    expect(JSON.stringify(tracer.spans)).not.toContain("secret");
  });

  it("are refused where there would be none", async () => {
    expect(() => openSync("memory:", { tracer: recording() })).toThrow(/only a handle of `open`/);
    for (const tracer of [{}, "tracer", null, { startSpan: 1 }]) {
      expect(await failure(opening("memory:", { tracer: tracer as never }))).toMatchObject({
        code: "INVALID_ARGUMENT",
        details: { what: "tracer" },
      });
    }
  });

  it("stores the position of the span with the events, also through a server", async () => {
    const tracer = recording();
    const sessions = await opening("memory:");
    const server = await sessions.serve();
    const client = await opening(server.url, { token: server.token, tracer });
    await client.start(START);
    await sessions.complete("a", "r");
    const { items } = await sessions.traces("a");
    expect(items).toEqual([{ traceparent: tracer.spans[0]?.parent, first: 1, last: 1 }]);
  });
});
