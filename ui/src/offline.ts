/**
 * Registers the service worker, with which the page works without a network.
 *
 * @module
 */

/** The part of Trusted Types that is used. Not all browsers have it. */
interface TrustedTypesFactory {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
}

const WORKER = "./service-worker.js";

/** Registers the worker, where there may be one: in the built page, over HTTPS or on this machine. */
export function registerWorker(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypesFactory };
  // The only address that may become a script.
  const policy = trustedTypes?.createPolicy("tenure", { createScriptURL: () => WORKER });
  const url = policy === undefined ? WORKER : policy.createScriptURL(WORKER);
  navigator.serviceWorker.register(url).catch((error: unknown) => {
    console.warn("the page does not work without a network:", error);
  });
}
