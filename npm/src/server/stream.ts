/**
 * A stream of a server, of which only matters that something arrives.
 *
 * @module
 */

/** A request for a stream. */
export interface StreamRequest {
  /** The URL. */
  readonly url: string;
  /** The headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Called when a part has arrived. */
  readonly arrived: () => void;
  /** Called once, when the stream has ended or could not be opened. */
  readonly ended: () => void;
}

/** Opens a stream. Returns a function that closes it. */
export type OpenStream = (request: StreamRequest) => () => void;

/** Opens a stream by `fetch`. */
export const fetchStream: OpenStream = ({ url, headers, arrived, ended }) => {
  const abort = new AbortController();
  const read = async (): Promise<void> => {
    const { signal } = abort;
    const response = await fetch(url, { headers, signal, cache: "no-store", redirect: "error" });
    const reader = response.body?.getReader();
    if (!response.ok || reader === undefined) return;
    while (!(await reader.read()).done) arrived();
  };
  read().then(ended, ended);
  return () => abort.abort();
};
