/**
 * A dialog that asks for a few values before it does something.
 *
 * @module
 */

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { Dialog } from "./dialog.js";
import { Problem } from "./problem.js";

/** A value to ask for. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly kind?: "text" | "long" | "number";
  readonly initial?: string;
  readonly isRequired?: boolean;
  readonly hint?: string;
  /** Values to choose from; others cannot be given. */
  readonly choices?: readonly string[];
  /** Values to suggest. */
  readonly suggestions?: readonly string[];
}

/** The given values, by the names of the fields. An empty one is left out. */
export type Values = Readonly<Record<string, string | undefined>>;

/** Options of a form. */
export interface FormOptions {
  readonly title: string;
  readonly fields: readonly Field[];
  readonly submit: string;
  readonly isBad?: boolean | undefined;
  /** Whether an error begins with the core's message for users. */
  readonly forUsers?: boolean | undefined;
  readonly onSubmit: (values: Values) => Promise<void>;
  readonly onClose: () => void;
  readonly children?: ComponentChildren;
}

/** A dialog with fields. It stays open when the operation is refused, and shows why. */
export function FormDialog(options: FormOptions) {
  const { title, fields, submit, isBad, forUsers, onSubmit, onClose, children } = options;
  const [values, setValues] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(fields.map(({ name, initial }) => [name, initial ?? ""])),
  );
  const [error, setError] = useState<unknown>(undefined);
  const [isRunning, setRunning] = useState(false);
  const run = async (): Promise<void> => {
    setRunning(true);
    setError(undefined);
    try {
      const given = Object.entries(values).filter(([, value]) => value !== "");
      await onSubmit(Object.fromEntries(given));
    } catch (thrown) {
      setError(thrown);
    } finally {
      setRunning(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        {children}
        {fields.map((field) => (
          <Input
            key={field.name}
            field={field}
            value={values[field.name] ?? ""}
            onInput={(value) => setValues({ ...values, [field.name]: value })}
          />
        ))}
        {error !== undefined && <Problem error={error} forUsers={forUsers} />}
        <footer class="dialog-foot">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={isBad ? "bad" : "main"} disabled={isRunning}>
            {submit}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

interface InputOptions {
  readonly field: Field;
  readonly value: string;
  readonly onInput: (value: string) => void;
}

function Input({ field, value, onInput }: InputOptions) {
  const { label, kind = "text", isRequired = false, hint, choices, suggestions } = field;
  const id = useId();
  const hintId = hint === undefined ? undefined : `${id}-hint`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {choices !== undefined ? (
        <select
          id={id}
          value={value}
          onChange={({ currentTarget }) => onInput(currentTarget.value)}
        >
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : kind === "long" ? (
        <textarea
          id={id}
          rows={3}
          value={value}
          required={isRequired}
          aria-describedby={hintId}
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
        />
      ) : (
        <input
          id={id}
          type={kind}
          value={value}
          required={isRequired}
          min={kind === "number" ? 0 : undefined}
          list={suggestions && `${id}-list`}
          aria-describedby={hintId}
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
        />
      )}
      {suggestions !== undefined && (
        <datalist id={`${id}-list`}>
          {suggestions.map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
      )}
      {hint !== undefined && (
        <p class="faint" id={hintId}>
          {hint}
        </p>
      )}
    </div>
  );
}
