// What stands between `${{` and `}}`, evaluated by the package that the editors of workflows use, with
// the functions that only a runner can answer: how the job goes.

import { data, Evaluator, Lexer, Parser } from "@actions/expressions";
import type { TemplateToken } from "@actions/workflow-parser/templates/tokens/index";
import {
  isBasicExpression,
  isMapping,
  isScalar,
} from "@actions/workflow-parser/templates/tokens/type-guards";

export type Status = "success" | "failure" | "cancelled";

/** What expressions know: their contexts by name, and how the job goes. */
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

/** A value of a workflow as the text that it comes to. */
export function text(token: TemplateToken | undefined, scope: Scope): string {
  if (token === undefined) return "";
  if (isBasicExpression(token)) return evaluate(token.expression, scope).coerceString();
  if (isScalar(token)) return token.toString();
  throw new Error("expected a text, a number or a truth value");
}

/** The members of an object of a workflow as texts. */
export function texts(token: TemplateToken | undefined, scope: Scope): Record<string, string> {
  if (token === undefined) return {};
  if (!isMapping(token)) throw new Error("expected an object");
  return Object.fromEntries(
    [...token].map(({ key, value }) => [key.toString(), text(value, scope)]),
  );
}
