/**
 * The connection to an IndexedDB database: opens it, makes its object stores, gives way to tabs with
 * a newer version, comes back when the browser has closed it, and says in the words that stores have
 * what became of a transaction. What is kept where is the business of `indexeddb.ts`.
 *
 * @module
 */

import { MAX_DELAY_MS } from "../runtime/timers.js";
import { messageOf, schemaTooNew, storageFull, storeUnavailable } from "../values/error.js";

/** The version of the layout; a database of a newer one is not touched. */
export const SCHEMA = 1;

/** The object stores. */
export type StoreName = "heads" | "events" | "records";

const STORE_NAMES: readonly StoreName[] = ["heads", "events", "records"];

/** What the methods of the store fail with, where it is not for a defect. */
export class DatabaseError extends Error {
  override readonly name: string = "DatabaseError";
  /** A code that stores may give their errors. */
  readonly code: "STORE_UNAVAILABLE" | "STORAGE_FULL";

  /** An error that says `problem`, for the reason that `cause` is. */
  constructor(code: DatabaseError["code"], problem: string, cause?: unknown) {
    super(problem, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** The database is of a newer version than this code knows. */
export class NewerDatabaseError extends DatabaseError {
  override readonly name = "NewerDatabaseError";

  /** To those who have it open it has become so just now. */
  constructor(cause: unknown) {
    const problem = "another tab has upgraded the database to a newer Tenure: reload this page";
    super("STORE_UNAVAILABLE", problem, cause);
  }
}

/** Which database, and how long it may take to open. */
export interface DatabaseOptions {
  /** Its name. */
  readonly name: string;
  /** The version of its layout that the code knows. */
  readonly schema: number;
  /** How long it may take to open, in milliseconds. */
  readonly timeoutMs: number;
}

/** A database, open or to be opened. */
export class Database {
  readonly #options: DatabaseOptions;
  #connection: Promise<IDBDatabase> | undefined;
  #closed = false;

  /** A database that is not open yet. */
  constructor(options: DatabaseOptions) {
    this.#options = options;
  }

  /** Opens it, if it is not open. */
  async open(): Promise<void> {
    await this.#connect();
  }

  /** Closes it. Transactions under way come to their end. */
  close(): void {
    this.#closed = true;
    this.#connection?.then(
      (connection) => connection.close(),
      () => {},
    );
    this.#connection = undefined;
  }

  /** Reads in one transaction. */
  async read<T>(
    stores: readonly StoreName[],
    body: (transaction: IDBTransaction) => Promise<T>,
  ): Promise<T> {
    try {
      return await body(await this.#begin(stores, "readonly"));
    } catch (thrown) {
      throw wordOf(thrown);
    }
  }

  /**
   * Writes in one transaction, which is undone if `body` returns something (which is returned) or
   * fails. It is kept when the promise resolves to `undefined`.
   */
  async write<T>(
    stores: readonly StoreName[],
    durability: IDBTransactionDurability,
    body: (transaction: IDBTransaction) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    try {
      const transaction = await this.#begin(stores, "readwrite", { durability });
      const end = endOf(transaction);
      const refusal = await body(transaction).catch(async (thrown: unknown) => {
        quietly(() => transaction.abort());
        const reason = await end;
        // A request says only that it was given up where the transaction says why, and the other way.
        throw nameOf(reason) === "AbortError" ? thrown : reason;
      });
      quietly(() => (refusal === undefined ? transaction.commit() : transaction.abort()));
      const reason = await end;
      if (refusal === undefined && reason !== undefined) throw reason;
      return refusal;
    } catch (thrown) {
      throw wordOf(thrown);
    }
  }

  async #begin(
    stores: readonly StoreName[],
    mode: IDBTransactionMode,
    options?: IDBTransactionOptions,
  ): Promise<IDBTransaction> {
    const connecting = this.#connect();
    const connection = await connecting;
    try {
      return connection.transaction(stores, mode, options);
    } catch (thrown) {
      if (nameOf(thrown) !== "InvalidStateError") throw thrown;
      // It is being closed, and nobody has been told yet.
      if (this.#connection === connecting) this.#connection = undefined;
      return (await this.#connect()).transaction(stores, mode, options);
    }
  }

  #connect(): Promise<IDBDatabase> {
    if (this.#connection !== undefined) return this.#connection;
    const connecting = connect(this.#options).then((connection) => {
      if (this.#closed) connection.close();
      const forget = (): void => {
        if (this.#connection === connecting) this.#connection = undefined;
      };
      // The next call opens it again: after an upgrade it is told so, after a removal it begins anew.
      connection.onversionchange = () => {
        connection.close();
        forget();
      };
      connection.onclose = forget;
      return connection;
    });
    this.#connection = connecting;
    connecting.catch(() => {
      if (this.#connection === connecting) this.#connection = undefined;
    });
    return connecting;
  }
}

function connect({ name, schema, timeoutMs }: DatabaseOptions): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    // Where storage is denied, this throws.
    const request = indexedDB.open(name, schema);
    let blocked = false;
    let late = false;
    const timer = setTimeout(
      () => {
        late = true;
        const holder = blocked
          ? ": another tab holds an older version of it open; close that tab"
          : "";
        const problem = `the database did not open within ${timeoutMs} ms${holder}`;
        reject(new DatabaseError("STORE_UNAVAILABLE", problem));
      },
      Math.min(timeoutMs, MAX_DELAY_MS),
    );
    request.onblocked = () => {
      blocked = true;
    };
    request.onupgradeneeded = ({ oldVersion }) => {
      if (late) request.transaction?.abort();
      else if (oldVersion === 0) makeStores(request.result);
    };
    request.onsuccess = () => {
      clearTimeout(timer);
      const connection = request.result;
      const missing = STORE_NAMES.find((store) => !connection.objectStoreNames.contains(store));
      if (missing !== undefined) {
        const problem = `the database is not Tenure's: it has no object store "${missing}"`;
        reject(new DatabaseError("STORE_UNAVAILABLE", problem));
      }
      if (late || missing !== undefined) connection.close();
      else resolve(connection);
    };
    request.onerror = (event) => {
      event.preventDefault();
      clearTimeout(timer);
      reject(request.error);
    };
  }).catch((thrown: unknown) => {
    throw openingFailure(thrown);
  }) as Promise<IDBDatabase>;
}

function makeStores(database: IDBDatabase): void {
  const heads = database.createObjectStore("heads", { keyPath: "id" });
  heads.createIndex("createdAt", ["createdAt", "id"]);
  heads.createIndex("updatedAt", ["updatedAt", "id"]);
  database.createObjectStore("events");
  database.createObjectStore("records").createIndex("owner", "owner");
}

/** What keeps a database from being opened. */
function openingFailure(thrown: unknown): DatabaseError {
  if (thrown instanceof DatabaseError) return thrown;
  switch (nameOf(thrown)) {
    case "VersionError":
      return new NewerDatabaseError(thrown);
    case "QuotaExceededError":
      return full(thrown);
    default:
      return new DatabaseError(
        "STORE_UNAVAILABLE",
        `the browser does not open the database: ${messageOf(thrown)}`,
        thrown,
      );
  }
}

/** What a caller of `open` is told when the database cannot be opened. */
export async function openingError(name: string, thrown: unknown): Promise<unknown> {
  if (!(thrown instanceof DatabaseError)) return thrown;
  if (thrown instanceof NewerDatabaseError)
    return schemaTooNew(await schemaOf(name), SCHEMA, thrown.cause);
  const { code, message, cause } = thrown;
  return code === "STORAGE_FULL" ? storageFull(message, cause) : storeUnavailable(message, cause);
}

/** The schema of a database that is newer than this code, where the browser tells. */
async function schemaOf(name: string): Promise<number | undefined> {
  const databases = await indexedDB.databases?.().catch(() => []);
  return databases?.find((database) => database.name === name)?.version;
}

/** What a transaction failed with, in the words that stores have where they have some. */
function wordOf(thrown: unknown): unknown {
  switch (nameOf(thrown)) {
    case "QuotaExceededError":
      return full(thrown);
    case "AbortError":
    case "InvalidStateError":
    case "UnknownError":
      return new DatabaseError(
        "STORE_UNAVAILABLE",
        `the browser gave up a transaction: ${messageOf(thrown)}`,
        thrown,
      );
    default:
      return thrown;
  }
}

function full(thrown: unknown): DatabaseError {
  const said = messageOf(thrown);
  return new DatabaseError("STORAGE_FULL", `the browser's quota is used up: ${said}`, thrown);
}

/** Resolves at the end of a transaction: to `undefined` if it was kept, or else to the reason. */
function endOf(transaction: IDBTransaction): Promise<unknown> {
  return new Promise((resolve) => {
    transaction.oncomplete = () => resolve(undefined);
    transaction.onabort = () => {
      resolve(transaction.error ?? new DOMException("it was aborted", "AbortError"));
    };
  });
}

/** Ends a transaction that may have ended already. */
function quietly(end: () => void): void {
  try {
    end();
  } catch (thrown) {
    if (nameOf(thrown) !== "InvalidStateError") throw thrown;
  }
}

function nameOf(thrown: unknown): unknown {
  return typeof thrown === "object" && thrown !== null && "name" in thrown
    ? thrown.name
    : undefined;
}
