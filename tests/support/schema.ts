// A small library of schemas that follows Standard Schema, as zod and valibot do.

import type { StandardSchema } from "tenure";

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[];
}

/** A schema whose issues `find` returns. */
export function schemaOf<Input>(
  find: (value: Record<string, unknown>) => readonly Issue[],
): StandardSchema<Input> {
  return {
    "~standard": {
      version: 1,
      vendor: "tests",
      validate: (value) => {
        const issues = find(value as Record<string, unknown>);
        return issues.length > 0 ? { issues } : { value: { transformed: true } };
      },
    },
  };
}

/** A schema of an object with these properties, each a text or a number. */
export function objectOf<Input>(
  kinds: Readonly<Record<keyof Input & string, "string" | "number">>,
): StandardSchema<Input> {
  return schemaOf((value) =>
    Object.entries(kinds)
      .filter(([name, kind]) => typeof value[name] !== kind)
      .map(([name, kind]) => ({ message: `expected a ${kind}`, path: [name] })),
  );
}

/** The same schema, which takes a moment. */
export function later<Input>(schema: StandardSchema<Input>): StandardSchema<Input> {
  const { validate, ...standard } = schema["~standard"];
  const waiting = async (value: unknown) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return validate(value);
  };
  return { "~standard": { ...standard, validate: waiting } };
}
