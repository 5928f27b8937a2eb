/**
 * The asynchronous handle: sessions over any store.
 *
 * @module
 */

import type { HeadBytes, MetricsFormat } from "../builds/binding.js";
import type { OperationName, Params, Result } from "../connection/call.js";
import type { PurgeParams, PurgeResult } from "../generated.js";
import { ArchiveAt, type ArchiveBatch, type Archiver } from "../jobs/archive.js";
import type { HoldOptions } from "../jobs/held-lease.js";
import { type Recording, type RecordingHost, startRecording } from "../jobs/metrics.js";
import { checkPurge, type PurgeOptions, purgeArchived } from "../jobs/purge.js";
import { startWithRetries } from "../jobs/slot-wait.js";
import { retryPolicyOf, type SlotOptions, type SlotRequest, slotParams } from "../slots/options.js";
import { checkArguments, type Refuse, rejected, thrown } from "../values/arguments.js";
import { asError, invalidArgument, metricsNeedAddon } from "../values/error.js";
import { checkOptions, copyOf, withOptions } from "../values/options.js";
import type { SlotStart } from "../values/outcomes.js";
import type { Accepts } from "../values/params.js";
import type { BuiltInEventType } from "../values/session-data.js";
import type { OwnEventType, SessionHead, SessionTypes } from "../values/session-types.js";
import { Agents } from "./agents.js";
import { AuditLog } from "./audit-log.js";
import { Dedup } from "./dedup.js";
import { exportParts } from "./export-parts.js";
import { Handle } from "./handle.js";
import { HeldSession } from "./held-session.js";
import { Leases } from "./leases.js";
import {
  EventList,
  type EventOptions,
  type LatestOptions,
  type ListOptions,
  pageOfLatest,
  SessionList,
  type TypedEventOptions,
} from "./list.js";
import { Machines } from "./machines.js";
import type { TrashOption } from "./operations.js";
import { SessionArchive } from "./session-archive.js";
import { SESSION_ARGUMENTS } from "./session-arguments.js";
import { checkServeOptions, type ServeOptions, SessionServer } from "./session-server.js";
import {
  checkWatchFilter,
  checkWatchOptions,
  Watch,
  type WatchFilter,
  type WatchOptions,
} from "./watch.js";
import { Webhooks } from "./webhooks.js";

/** The handles with servers. They are not garbage-collected. */
const serving = new Set<object>();

/** Options of reading metrics. */
export interface MetricsOptions {
  /** The format of the text: Prometheus' own, which is the default, or OpenMetrics. */
  readonly format?: MetricsFormat | undefined;
}

/** The sessions of a store. Made by `open`. */
export class Sessions<T extends SessionTypes = SessionTypes>
  extends Handle<"async", T>
  implements AsyncDisposable
{
  static {
    const refuse: Refuse<Sessions> = (problem, _, method) =>
      ["list", "events", "exportParts", "watch", "archive"].includes(method)
        ? thrown(problem)
        : rejected(problem);
    checkArguments(Sessions, refuse, SESSION_ARGUMENTS);
  }

  /** Agents: sessions that have a phase. */
  readonly agents: Agents<T> = new Agents((name, make) => this.ask(name, make));
  /** Leases: exclusive, expiring claims on keys. */
  readonly leases: Leases = new Leases(
    (name, make) => this.ask(name, make),
    this.binding,
    this.connection.binding,
  );
  /** Deduplication of runs. */
  readonly dedup: Dedup<"async"> = new Dedup((name, make) => this.ask(name, make));
  /** The audit log. */
  readonly audit: AuditLog<"async"> = new AuditLog((name, make) => this.ask(name, make));
  /** The registered processes, and their virtual machines. */
  readonly machines: Machines<"async"> = new Machines((name, make) => this.ask(name, make));
  /** The endpoints of webhooks, and the deliveries to them. */
  readonly webhooks: Webhooks<"async"> = new Webhooks(
    (name, make) => this.ask(name, make),
    this.webhookJobs,
  );
  /** The servers over this handle. */
  readonly #servers = new Set<SessionServer>();
  #closing: Promise<void> | undefined;
  #recording: Recording | undefined;

  /**
   * Lists the matching sessions, newest first. `await` returns a page (`limit`, 50 by default);
   * `for await` iterates over all sessions, page by page.
   */
  list(options: ListOptions = {}): SessionList<ListOptions, T> {
    return new SessionList(copyOf(options), (page) => this.ask("list", () => page));
  }

  /**
   * Returns the newest of the matching sessions, by the time of its creation or by `orderBy`; `null` if
   * none matches.
   */
  async latest(filter: LatestOptions = {}): Promise<SessionHead<T> | null> {
    for await (const head of this.list(pageOfLatest(filter))) return head;
    return null;
  }

  /** See {@link Operations.events}. */
  override events<Type extends BuiltInEventType | OwnEventType<T>>(
    id: string,
    options: TypedEventOptions<Type>,
  ): EventList<T, Type>;
  override events(
    id: string,
    options?: EventOptions<BuiltInEventType | OwnEventType<T>>,
  ): EventList<T>;
  override events(id: string, options?: EventOptions): EventList<T> {
    return new EventList(copyOf(options ?? {}), (page) =>
      this.ask("events", () => withOptions(page, { id })),
    );
  }

  /**
   * Exports a session of any size: iterates over the parts of the text that `export` returns, of
   * about 8 MiB each. A session that changes meanwhile is exported as it was at the first part; if
   * its history is replaced, by `import` or `save`, the iteration fails with `VERSION_CONFLICT`.
   */
  exportParts(id: string, options?: TrashOption): AsyncIterableIterator<string> {
    return exportParts((name, make) => this.ask(name, make), id, copyOf(options));
  }

  /**
   * Watches the store: iterates over the changes of sessions, of leases and of the audit log, through any
   * handle and any process, each once and in the order of the commits. With a filter, over the changes of
   * the sessions that it selects. `for await` waits for further changes; `break` ends the watch.
   */
  watch(filter: WatchFilter = {}, options: WatchOptions = {}): Watch<T> {
    const checked = checkWatchOptions(copyOf(options));
    const selected = checkWatchFilter(copyOf(filter));
    const ifAway = checked.ifAway ?? (this.binding === "server" ? "wait" : "fail");
    return new Watch(this.feed(selected, "closed"), { ...checked, ifAway });
  }

  /**
   * Holds a session, so that no other writer runs it, and renews its lease until it is released.
   * Returns a handle whose writes to the session carry the fencing token; `null` if the session is
   * held already. The writes of others to a held session are refused with `SESSION_HELD`, except
   * what they append.
   */
  async hold(id: string, options?: HoldOptions): Promise<HeldSession<T> | null> {
    const { leases } = this;
    const lease = await leases.held(() =>
      this.ask("hold", () => withOptions(leases.toHold(options), { id })),
    );
    return lease && new HeldSession(id, this, (name, make) => this.ask(name, make), lease);
  }

  /**
   * See {@link Operations.startInSlot}. It retries while another call is starting a session in the
   * slot.
   */
  override async startInSlot(
    request: SlotRequest<T>,
    options: SlotOptions = {},
  ): Promise<SlotStart<T>> {
    const { policy, start } = retryPolicyOf(request, options);
    const params = slotParams(request, start, this.slotLocking);
    const attempts = this.slotMeter.observe<T>(params.locking);
    const attempt = async (): Promise<SlotStart<T>> => {
      attempts.began();
      return attempts.attempted(await this.ask("startInSlot", () => params));
    };
    try {
      const { binding } = this.connection;
      return attempts.succeeded(await startWithRetries(binding, attempt, policy));
    } catch (thrown) {
      throw attempts.failed(thrown);
    }
  }

  /**
   * Purges the trash: permanently deletes sessions that have been in it for a given time. With
   * `archive` or `archiveParts`, each session is archived before it is deleted, one at a time; one for
   * which it throws stays in the trash and is listed in `failed`.
   */
  override purge(params: Accepts<PurgeParams>, options: PurgeOptions = {}): Promise<PurgeResult> {
    let archive: Archiver | undefined;
    try {
      archive = checkPurge(params, options);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
    if (archive === undefined || params.dryRun) return this.ask("purge", () => params);
    return this.#purgeArchived(params, archive);
  }

  /**
   * Returns the archive of a URL, as `purge`, `retention` and `jobs` fill it: a folder, `"file:./archive"`, or
   * `"s3://bucket/prefix"`. It is read with the keys of the store. Only native stores read one.
   */
  archive(url: string | URL): SessionArchive<T> {
    if (typeof url !== "string" && !(url instanceof URL)) {
      throw invalidArgument("archive", "expected the URL of an archive");
    }
    return new SessionArchive(this.connection, String(url), (text, replace) =>
      this.import(text, { replace }),
    );
  }

  /**
   * Returns the metrics of the store as text for Prometheus: what this handle has counted, what handles of all
   * processes have recorded that were opened with `metrics`, and what follows from sessions and the audit log. Only
   * the native addon and a server make the text.
   */
  async metrics(options: MetricsOptions = {}): Promise<string> {
    const given = copyOf(options);
    checkOptions(given, { format: "any" });
    const { format = "prometheus" } = given;
    if (format !== "prometheus" && format !== "openmetrics") {
      throw invalidArgument("format", 'expected "prometheus" or "openmetrics"');
    }
    const { connection } = this;
    if (connection.binding.scrape !== undefined) return connection.binding.scrape(format);
    if (!connection.countsOperations) throw metricsNeedAddon();
    const metrics = await this.ask("metrics", () => connection.ownMetrics());
    return connection.metricsText(metrics, format);
  }

  /** Records what the handle counts from now on, until it is closed. @internal */
  startRecording(): void {
    // The timer must not keep the handle alive.
    const handle = new WeakRef(this);
    this.#recording = startRecording(() => handle.deref()?.recorded());
  }

  /** Reads a page of heads for a mirror. @internal */
  headBytes(params: Params<"heads">): Promise<HeadBytes> {
    return this.connection.heads(this, params);
  }

  /**
   * Serves the store over HTTP, to `open(server.url, { token: server.token })` on other machines and in
   * browsers, as the command `tenure ui` does. Closing the handle closes the server. Only the native
   * addon serves a store.
   */
  async serve(options: ServeOptions = {}): Promise<SessionServer> {
    const given = copyOf(options);
    checkServeOptions(given);
    const server = new SessionServer(this.connection, given);
    this.#servers.add(server);
    serving.add(this);
    void server.closed.then(() => {
      this.#servers.delete(server);
      if (this.#servers.size === 0) serving.delete(this);
    });
    return server;
  }

  /**
   * Closes the handle. Pending calls complete, pending webhooks are delivered within five seconds, and a job
   * ends the step that it performs; later calls are refused. Closing again does nothing.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** See {@link Sessions.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  protected override ask<N extends OperationName>(
    name: N,
    make: () => Params<N>,
  ): Promise<Result<N, T>> {
    const result = this.connection.performAsync(this, name, make);
    const observe = this.observe(name);
    // The types of the caller are the caller's promise.
    if (observe === undefined) return result as Promise<Result<N, T>>;
    return result.then((result) => {
      observe(result);
      return result as Result<N, T>;
    });
  }

  async #purgeArchived(params: Accepts<PurgeParams>, archive: Archiver): Promise<PurgeResult> {
    const { connection } = this;
    const open = (at: ArchiveAt): ArchiveBatch => connection.openArchive(at.url, at.compress);
    // One that cannot be opened is refused at once, and not for each session.
    if (archive instanceof ArchiveAt) open(archive).close();
    const began = performance.now();
    const report = (failed: boolean, removed: number, notRemoved: number): void => {
      const durationMs = Math.round(performance.now() - began);
      connection.reportMetrics({ job: { job: "purge", durationMs, failed, removed, notRemoved } });
    };
    try {
      const purged = await purgeArchived(connection.binding, this, params, archive, open);
      report(false, purged.removed, purged.failed.length);
      return purged;
    } catch (thrown) {
      report(true, 0, 0);
      throw thrown;
    }
  }

  /** This handle, as its recording uses it. */
  private recorded(): RecordingHost {
    const { connection } = this;
    return {
      get isClosed() {
        return connection.isClosed;
      },
      toRecord: (ended) => connection.metricsToRecord(ended),
      // A handle that is being closed records for the last time.
      record: (params) => connection.performAsync(this, "metricsRecord", () => params, true),
      recorded: (reply) => connection.metricsRecorded(reply),
      fold: () => this.ask("metricsFold", () => ({})),
      failed: (error) => {
        this.notifier.listeners.error(asError(error));
      },
    };
  }

  async #close(): Promise<void> {
    this.detach();
    try {
      // Without any, no call is accepted any more from here on.
      const ending = [this.endDelivery(), this.endSchedule()].filter((end) => end !== undefined);
      if (ending.length > 0) await Promise.all(ending);
      for (const server of this.#servers) await server.close();
      await this.connection.close(async () => {
        await this.#recording?.end(this.recorded());
        await this.followToTheEnd();
      });
    } finally {
      await this.notifier.drain();
    }
  }
}
