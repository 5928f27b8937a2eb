// Expressions between `${{` and `}}`, evaluated by the package that workflow editors use, with the
// status functions of a runner.

import { data, Evaluator, Lexer, Parser } from "@actions/expressions";
import type { TemplateToken } from "@actions/workflow-parser/templates/tokens/index";
import {
  isBasicExpression,
  isMapping,
  isScalar,
} from "@actions/workflow-parser/templates/tokens/type-guards";

export type Status = "success" | "failure" | "cancelled";

/** The scope of expressions: the contexts by name, and the status of the job. */
export interface Scope {
  readonly contexts: Readonly<Record<string, unknown>>;
  readonly status: Status;
}

function evaluate(expression: string, { contexts, status }: Scope): data.ExpressionData {
  const answers = {
    always: true,
    success: status === "success",
    failure: status === "failure",
    cancelled: status === "cancelled",
  };
  const functions = Object.entries(answers).map(([name, answer]) => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(answer),
  }));
  const { tokens } = new Lexer(expression).lex();
  const parsed = new Parser(tokens, Object.keys(contexts), functions).parse();
  const known = JSON.parse(JSON.stringify(contexts), data.reviver) as data.Dictionary;
  return new Evaluator(parsed, known, new Map(functions.map((one) => [one.name, one]))).evaluate();
}

/** Whether a condition holds. */
export const holds = (condition: string, scope: Scope): boolean =>
  evaluate(`!!(${condition})`, scope).coerceString() === "true";

/** Evaluates a value of a workflow to a text. */
export function text(token: TemplateToken | undefined, scope: Scope): string {
  if (token === undefined) return "";
  if (isBasicExpression(token)) return evaluate(token.expression, scope).coerceString();
  if (isScalar(token)) return token.toString();
  throw new Error("expected a text, a number or a truth value");
}

/** Evaluates the properties of an object of a workflow to texts. */
export function texts(token: TemplateToken | undefined, scope: Scope): Record<string, string> {
  if (token === undefined) return {};
  if (!isMapping(token)) throw new Error("expected an object");
  return Object.fromEntries(
    [...token].map(({ key, value }) => [key.toString(), text(value, scope)]),
  );
}
