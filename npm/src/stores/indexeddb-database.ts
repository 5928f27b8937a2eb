/**
 * The connection to an IndexedDB database: opens it, creates its object stores, closes it for tabs
 * that upgrade it, reopens it after the browser closed it, and maps failures of transactions to the
 * error codes of stores. The contents are defined in `indexeddb.ts`.
 *
 * @module
 */

import { MAX_DELAY_MS } from "../runtime/timers.js";
import { messageOf, schemaTooNew, storageFull, storeUnavailable } from "../values/error.js";

/** The schema version. A database with a newer version is not modified. */
export const SCHEMA = 2;

/** The object stores. */
export type StoreName = "heads" | "events" | "records" | "changes";

/** The object stores of the first schema. */
const FIRST_STORES: readonly StoreName[] = ["heads", "events", "records"];
const STORE_NAMES: readonly StoreName[] = [...FIRST_STORES, "changes"];

/**
 * The indexes of heads by properties, each in the order of creation. Those that are likely to select the
 * fewest sessions come first.
 */
export const INDEXES = [
  { name: "userStatus", properties: ["userId", "status"] },
  { name: "task", properties: ["slot.taskId"] },
  { name: "parent", properties: ["parentId"] },
  { name: "user", properties: ["userId"] },
  { name: "channel", properties: ["channelId"] },
  { name: "status", properties: ["status"] },
  { name: "mode", properties: ["mode"] },
] as const;

/** An expected failure of the database. */
export class DatabaseError extends Error {
  override readonly name: string = "DatabaseError";
  /** The error code of a store. */
  readonly code: "STORE_UNAVAILABLE" | "STORAGE_FULL";

  /** Creates an error with the message `problem`. */
  constructor(code: DatabaseError["code"], problem: string, cause?: unknown) {
    super(problem, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** The schema of the database is newer than this code supports. */
export class NewerDatabaseError extends DatabaseError {
  override readonly name = "NewerDatabaseError";

  /** The message is for handles whose database was upgraded while it was open. */
  constructor(cause: unknown) {
    const problem = "another tab has upgraded the database to a newer Tenure: reload this page";
    super("STORE_UNAVAILABLE", problem, cause);
  }
}

/** Options of a database connection. */
export interface DatabaseOptions {
  /** The name of the database. */
  readonly name: string;
  /** The schema version that the code supports. */
  readonly schema: number;
  /** The timeout of opening it, in milliseconds. */
  readonly timeoutMs: number;
}

/** A database that is opened on first use. */
export class Database {
  readonly #options: DatabaseOptions;
  #connection: Promise<IDBDatabase> | undefined;
  #closed = false;

  /** Does not open the database yet. */
  constructor(options: DatabaseOptions) {
    this.#options = options;
  }

  /** Opens the database if it is not open. */
  async open(): Promise<void> {
    await this.#connect();
  }

  /** Closes the database. Pending transactions complete. */
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
      throw storeErrorOf(thrown);
    }
  }

  /**
   * Writes in one transaction. It is rolled back if `body` fails or returns a value, which is then
   * returned; it is committed when the promise resolves to `undefined`.
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
        // Either the request or the transaction has the cause; the other one only reports an abort.
        throw nameOf(reason) === "AbortError" ? thrown : reason;
      });
      quietly(() => (refusal === undefined ? transaction.commit() : transaction.abort()));
      const reason = await end;
      if (refusal === undefined && reason !== undefined) throw reason;
      return refusal;
    } catch (thrown) {
      throw storeErrorOf(thrown);
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
      // The connection is closing, but its event was not delivered yet.
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
      // The next call reopens the database: after an upgrade that fails with an error, after a
      // deletion it creates a new one.
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
    // Throws if storage is denied.
    const request = indexedDB.open(name, schema);
    let blocked = false;
    let late = false;
    let foreign: DatabaseError | undefined;
    const timer = setTimeout(
      () => {
        late = true;
        const blocker = blocked
          ? ": another tab holds an older version of it open; close that tab"
          : "";
        const problem = `the database did not open within ${timeoutMs} ms${blocker}`;
        reject(new DatabaseError("STORE_UNAVAILABLE", problem));
      },
      Math.min(timeoutMs, MAX_DELAY_MS),
    );
    request.onblocked = () => {
      blocked = true;
    };
    request.onupgradeneeded = ({ oldVersion }) => {
      const of = oldVersion === 0 ? undefined : missingIn(request.result, FIRST_STORES);
      if (of !== undefined) foreign = notTenures(of);
      if (late || foreign !== undefined) request.transaction?.abort();
      else createStores(request, oldVersion);
    };
    request.onsuccess = () => {
      clearTimeout(timer);
      const connection = request.result;
      const missing = missingIn(connection, STORE_NAMES);
      if (missing !== undefined) reject(notTenures(missing));
      if (late || missing !== undefined) connection.close();
      else resolve(connection);
    };
    request.onerror = (event) => {
      event.preventDefault();
      clearTimeout(timer);
      reject(foreign ?? request.error);
    };
  }).catch((thrown: unknown) => {
    throw openingFailure(thrown);
  }) as Promise<IDBDatabase>;
}

/** The first of these object stores that a database does not have. */
function missingIn(database: IDBDatabase, stores: readonly StoreName[]): StoreName | undefined {
  return stores.find((store) => !database.objectStoreNames.contains(store));
}

function notTenures(missing: StoreName): DatabaseError {
  const problem = `the database is not Tenure's: it has no object store "${missing}"`;
  return new DatabaseError("STORE_UNAVAILABLE", problem);
}

/** Creates the object stores that a database of an earlier schema lacks; 0 is a new database. */
function createStores({ result: database, transaction }: IDBOpenDBRequest, schema: number): void {
  if (schema < 1) {
    const heads = database.createObjectStore("heads", { keyPath: "id" });
    heads.createIndex("createdAt", ["createdAt", "id"]);
    heads.createIndex("updatedAt", ["updatedAt", "id"]);
    database.createObjectStore("events");
    database.createObjectStore("records").createIndex("owner", "owner");
  }
  if (schema < 2) {
    const changes = database.createObjectStore("changes", {
      keyPath: "position",
      autoIncrement: true,
    });
    // Only changes that end a history have the property.
    changes.createIndex("ended", ["ended", "position"]);
    const heads = transaction?.objectStore("heads");
    for (const { name, properties } of INDEXES) {
      heads?.createIndex(name, [...properties, "createdAt", "id"]);
    }
  }
}

/** The error for a database that cannot be opened. */
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

/** The error that `open` rejects with when the database cannot be opened. */
export async function openingError(name: string, thrown: unknown): Promise<unknown> {
  if (!(thrown instanceof DatabaseError)) return thrown;
  if (thrown instanceof NewerDatabaseError)
    return schemaTooNew(await schemaOf(name), SCHEMA, thrown.cause);
  const { code, message, cause } = thrown;
  return code === "STORAGE_FULL" ? storageFull(message, cause) : storeUnavailable(message, cause);
}

/** The schema version of a newer database, if the browser reports it. */
async function schemaOf(name: string): Promise<number | undefined> {
  const databases = await indexedDB.databases?.().catch(() => []);
  return databases?.find((database) => database.name === name)?.version;
}

/** Maps the failure of a transaction to an error code of stores, if there is one. */
function storeErrorOf(thrown: unknown): unknown {
  switch (nameOf(thrown)) {
    case "QuotaExceededError":
      return full(thrown);
    case "AbortError":
    case "InvalidStateError":
    case "UnknownError":
      return new DatabaseError(
        "STORE_UNAVAILABLE",
        `the browser aborted a transaction: ${messageOf(thrown)}`,
        thrown,
      );
    default:
      return thrown;
  }
}

function full(thrown: unknown): DatabaseError {
  const said = messageOf(thrown);
  return new DatabaseError("STORAGE_FULL", `the browser's quota is exhausted: ${said}`, thrown);
}

/**
 * Resolves at the end of a transaction: to `undefined` if it was committed, otherwise to the
 * reason.
 */
function endOf(transaction: IDBTransaction): Promise<unknown> {
  return new Promise((resolve) => {
    transaction.oncomplete = () => resolve(undefined);
    transaction.onabort = () => {
      resolve(transaction.error ?? new DOMException("it was aborted", "AbortError"));
    };
  });
}

/** Ends a transaction that may have ended before. */
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
