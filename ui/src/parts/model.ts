/**
 * The names of models.
 *
 * @module
 */

import type { SessionHead } from "tenure";

/** The name of a model. */
export function nameOf(
  model: string | { readonly name: string; readonly version?: string },
): string {
  if (typeof model === "string") return model;
  return model.version === undefined ? model.name : `${model.name} ${model.version}`;
}

/** The name of a session's model: that of its slot, or without a slot the one in its metadata. */
export function modelOf({ slot, metadata }: SessionHead): string {
  if (slot !== undefined) return nameOf(slot.model);
  return typeof metadata?.model === "string" ? metadata.model : "";
}
