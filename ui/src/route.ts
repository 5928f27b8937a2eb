/**
 * The address of a view: the part after `#`, so that a folder of files serves every view. It has a path and
 * parameters, such as `#/sessions?status=active`.
 *
 * @module
 */

import { signal } from "@preact/signals";

/** The address of a view. */
export interface Route {
  /** The names between the slashes. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** The current address. */
export const route = signal<Route>(read());

globalThis.addEventListener("hashchange", () => {
  route.value = read();
});

function read(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return {
    path: path
      .split("/")
      .filter((name) => name !== "")
      .map(decoded),
    query: new URLSearchParams(query),
  };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** The link to a view. */
export function linkTo(
  path: readonly string[],
  query: URLSearchParams | Readonly<Record<string, string | undefined>> = {},
): string {
  const params = query instanceof URLSearchParams ? query : new URLSearchParams();
  if (!(query instanceof URLSearchParams)) {
    for (const [name, value] of Object.entries(query)) if (value) params.set(name, value);
  }
  const text = params.toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

/** The link to a session. */
export function linkToSession(id: string): string {
  return linkTo(["session", id]);
}

/** Opens a view. */
export function goTo(link: string): void {
  location.hash = link;
}

/** Replaces the parameters of the current view, without an entry in the browser's history. */
export function replaceQuery(query: URLSearchParams): void {
  history.replaceState(null, "", linkTo(route.peek().path, query));
  route.value = read();
}
