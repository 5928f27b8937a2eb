// Installs packages on Debian and distributions based on it, where that needs no interaction: apt
// exists, and this is root or sudo needs no password.

import { Problem, probe, run } from "./run.mjs";

let listsAreFresh = false;

/** Whether `installDebianPackages` can work. */
export function canInstallDebianPackages() {
  return (
    process.platform === "linux" &&
    probe("apt-get", ["--version"]) !== undefined &&
    asRoot() !== undefined
  );
}

export async function installDebianPackages(...packages) {
  const prefix = asRoot();
  if (!prefix) throw new Problem(`these packages are needed: ${packages.join(" ")}`);
  const options = ["-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];
  const apt = (...args) => {
    const [command, ...rest] = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    return run(command, [...rest, ...options, ...args]);
  };
  if (!listsAreFresh) await apt("update");
  listsAreFresh = true;
  await apt("install", "--yes", "--no-install-recommends", ...packages);
}

/** The prefix of a command that needs root. */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  return probe("sudo", ["-n", "true"]) === undefined ? undefined : ["sudo", "-n"];
}
