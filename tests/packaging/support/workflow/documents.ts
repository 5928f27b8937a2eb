// Workflows and actions, parsed and validated by the package that workflow editors use. Invalid
// ones are an error.

import { readFileSync } from "node:fs";
import {
  convertWorkflowTemplate,
  NoOperationTraceWriter,
  parseWorkflow,
} from "@actions/workflow-parser";
import { convertActionTemplate, parseAction } from "@actions/workflow-parser/actions/index";
import type {
  Step as Read,
  WorkflowTemplate,
} from "@actions/workflow-parser/model/workflow-template";
import type { TemplateContext } from "@actions/workflow-parser/templates/template-context";
import type { MappingToken, TemplateToken } from "@actions/workflow-parser/templates/tokens/index";
import { isMapping, isSequence } from "@actions/workflow-parser/templates/tokens/type-guards";

/** A step: its condition and its properties. */
export interface Step {
  readonly id: string;
  readonly condition: string;
  readonly definition: MappingToken;
}

export interface Job {
  readonly id: string;
  /** The jobs that it needs. */
  readonly needs: readonly string[];
  readonly condition: string;
  readonly env: TemplateToken | undefined;
  readonly outputs: TemplateToken | undefined;
  readonly steps: readonly Step[];
}

export interface Workflow {
  readonly env: TemplateToken | undefined;
  readonly jobs: readonly Job[];
  /** The events that trigger it. */
  readonly events: WorkflowTemplate["events"];
}

export interface CompositeAction {
  readonly defaults: ReadonlyMap<string, TemplateToken | undefined>;
  readonly outputs: ReadonlyMap<string, TemplateToken | undefined>;
  readonly steps: readonly Step[];
}

/** Parses a workflow whose jobs have steps. */
export async function readWorkflow(path: string): Promise<Workflow> {
  const file = { name: path, content: readFileSync(path, "utf8") };
  const { context, value } = parseWorkflow(file, new NoOperationTraceWriter());
  if (value === undefined) throw new Error(`${path} is empty`);
  const template = await convertWorkflowTemplate(context, value);
  refuseErrors(context);
  const jobs = template.jobs.map((job) => {
    if (job.type !== "job") throw new Error(`${path} has a job without steps`);
    const definition = at(value, "jobs", job.id.value, "steps");
    return {
      id: job.id.value,
      needs: job.needs?.map(({ value }) => value) ?? [],
      condition: job.if.expression,
      env: job.env,
      outputs: job.outputs,
      steps: steps(job.steps, definition),
    };
  });
  return { env: template.env, jobs, events: template.events };
}

/** Parses a composite action. */
export function readAction(path: string): CompositeAction {
  const file = { name: path, content: readFileSync(path, "utf8") };
  const { context, value } = parseAction(file, new NoOperationTraceWriter());
  if (value === undefined) throw new Error(`${path} is empty`);
  const { inputs = [], outputs = [], runs } = convertActionTemplate(context, value);
  refuseErrors(context);
  if (runs.using !== "composite") throw new Error(`${path} is not made of steps`);
  return {
    defaults: new Map(inputs.map((input) => [input.id, input.default])),
    outputs: new Map(outputs.map((output) => [output.id, output.value])),
    steps: steps(runs.steps, at(value, "runs", "steps")),
  };
}

function steps(read: readonly Read[], definition: TemplateToken | undefined): readonly Step[] {
  if (definition === undefined || !isSequence(definition)) throw new Error("there are no steps");
  return read.map(({ id, if: condition }, index) => {
    const step = definition.get(index);
    if (!isMapping(step)) throw new Error(`step ${index} is no object`);
    return { id, condition: condition?.expression ?? "success()", definition: step };
  });
}

function at(token: TemplateToken, ...path: readonly string[]): TemplateToken | undefined {
  const down = (from: TemplateToken | undefined, name: string) =>
    from !== undefined && isMapping(from) ? from.find(name) : undefined;
  return path.reduce<TemplateToken | undefined>(down, token);
}

function refuseErrors({ errors }: TemplateContext): void {
  const problems = errors.getErrors().map(({ message }) => message);
  if (problems.length > 0) throw new Error(problems.join("\n"));
}
