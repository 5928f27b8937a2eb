/**
 * Spans of OpenTelemetry for operations, where the user gives a tracer. Tenure depends on no package for it: a tracer is
 * whatever has the few methods that are called here, such as one of `@opentelemetry/api`.
 *
 * @module
 */

import { isTenureError } from "../values/error.js";
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
  /** The header `traceparent` of its position, which is stored with what the operation writes. */
  readonly traceparent: string;
  /** The operation has ended. */
  succeeded(): void;
  /** The operation has failed, with this code. */
  failed(code: string): void;
}

/** Starts the span of an operation. It has no parameters: they are texts of users. */
export function startOperation(tracer: Tracer, name: OperationName): OperationSpan {
  const attributes = { "db.system.name": "tenure", "db.operation.name": name };
  const span = tracer.startSpan(`tenure.${name}`, { kind: CLIENT, attributes });
  return {
    traceparent: traceparentOf(span.spanContext()),
    succeeded: () => span.end(),
    failed(code) {
      span.setAttribute("error.type", code);
      span.setStatus({ code: ERROR, message: code });
      span.end();
    },
  };
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

/** A position as the header `traceparent` of W3C Trace Context. */
export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  const flags = (traceFlags & 0xff).toString(16).padStart(2, "0");
  return `00-${traceId}-${spanId}-${flags}`;
}
