// Installs or unpacks packages on Debian and distributions based on it, where that needs no interaction:
// apt exists, and this is root or sudo needs no password.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem, probe, run } from "./run.mjs";

let listsAreFresh = false;

/** Whether packages can be installed or unpacked. */
export function canInstallDebianPackages() {
  return (
    process.platform === "linux" &&
    probe("apt-get", ["--version"]) !== undefined &&
    asRoot() !== undefined
  );
}

export async function installDebianPackages(...packages) {
  const apt = await freshApt(packages);
  await apt(["install", "--yes", "--no-install-recommends", ...packages]);
}

/** Unpacks packages, without those that they depend on, into a folder. Nothing of them is started. */
export async function unpackDebianPackages(target, ...packages) {
  const apt = await freshApt(packages);
  const folder = mkdtempSync(join(tmpdir(), "tenure-packages-"));
  try {
    // The user of apt, who is another one than root, could not write into this folder.
    await apt(["download", "-o", "APT::Sandbox::User=root", ...packages], { cwd: folder });
    for (const file of readdirSync(folder)) {
      await run("dpkg-deb", ["--extract", join(folder, file), target]);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Calls apt with lists of packages that are new. */
async function freshApt(packages) {
  const prefix = asRoot();
  if (!prefix) throw new Problem(`these packages are needed: ${packages.join(" ")}`);
  const options = ["-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];
  const apt = (args, settings) => {
    const [command, ...rest] = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    return run(command, [...rest, ...options, ...args], settings);
  };
  if (!listsAreFresh) await apt(["update"]);
  listsAreFresh = true;
  return apt;
}

/** The prefix of a command that needs root. */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  return probe("sudo", ["-n", "true"]) === undefined ? undefined : ["sudo", "-n"];
}
