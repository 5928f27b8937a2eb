/**
 * Spans of OpenTelemetry for operations, where the user gives a tracer. Tenure depends on no package for it: a tracer is
 * whatever has the few methods that are called here, such as one of `@opentelemetry/api`.
 *
 * @module
 */

import { isTenureError, tracerFailed } from "../values/error.js";
import type { OperationName } from "./call.js";

/** The position of a span in its trace, as OpenTelemetry has it. */
export interface SpanContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string;
  /** Whether the span is recorded: the lowest bit. */
  readonly traceFlags: number;
}

/** A span, as far as it is used here. */
export interface Span {
  /** Its position. */
  spanContext(): SpanContext;
  /** Sets an attribute. */
  setAttribute(name: string, value: string | number | boolean): unknown;
  /** Sets the status. */
  setStatus(status: { readonly code: number; readonly message?: string }): unknown;
  /** Ends it. */
  end(): void;
}

/** What makes spans, such as `trace.getTracer("my-bot")` of `@opentelemetry/api`. */
export interface Tracer {
  /** Starts a span within the span that is active. */
  startSpan(
    name: string,
    options?: { readonly kind?: number; readonly attributes?: Record<string, string> },
  ): Span;
}

/** `SpanKind.CLIENT` of OpenTelemetry. */
const CLIENT = 2;
/** `SpanStatusCode.ERROR` of OpenTelemetry. */
const ERROR = 2;

/** The span of an operation. */
export interface OperationSpan {
  /**
   * The header `traceparent` of its position, which is stored with what the operation writes. Absent if the tracer gives
   * none, as one does that records nothing.
   */
  readonly traceparent: string | undefined;
  /** The operation has ended. */
  succeeded(): void;
  /** The operation has failed, with this code. */
  failed(code: string): void;
}

/**
 * Starts the span of an operation. It has no parameters: they are texts of users. A tracer that fails is reported once,
 * and is no reason for an operation to fail.
 */
export function startOperation(tracer: Tracer, name: OperationName): OperationSpan {
  const attributes = { "db.system.name": "tenure", "db.operation.name": name };
  const trying = <T>(call: () => T): T | undefined => {
    try {
      return call();
    } catch (thrown) {
      report(tracer, thrown);
      return undefined;
    }
  };
  const span = trying(() => tracer.startSpan(`tenure.${name}`, { kind: CLIENT, attributes }));
  return {
    traceparent: span && trying(() => traceparentOf(span.spanContext())),
    succeeded: () => trying(() => span?.end()),
    failed: (code) =>
      trying(() => {
        span?.setAttribute("error.type", code);
        span?.setStatus({ code: ERROR, message: code });
        span?.end();
      }),
  };
}

/** The tracers that have failed. */
const failing = new WeakSet<Tracer>();

function report(tracer: Tracer, thrown: unknown): void {
  if (failing.has(tracer)) return;
  failing.add(tracer);
  console.error(tracerFailed(thrown));
}

/** Ends the span of an operation with its result. */
export function endingWith<T>(span: OperationSpan, result: Promise<T>): Promise<T> {
  return result.then(
    (value) => {
      span.succeeded();
      return value;
    },
    (thrown: unknown) => {
      span.failed(isTenureError(thrown) ? thrown.code : "INTERNAL");
      throw thrown;
    },
  );
}

/** A position as the header `traceparent` of W3C Trace Context, which an id of zeros cannot have. */
export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string | undefined {
  const flags = (traceFlags & 0xff).toString(16).padStart(2, "0");
  const header = `00-${traceId}-${spanId}-${flags}`;
  return /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.test(header)
    ? header
    : undefined;
}
