// Describes the machine, as far as the numbers depend on it.

import { cpus, loadavg, release, totalmem, type } from "node:os";

export function machine() {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release().split(".").slice(0, 2).join(".")}`,
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    v8: process.versions.v8,
    /** The load of the machine before the benchmark started. */
    load: Math.round(loadavg()[0] * 10) / 10,
  };
}
