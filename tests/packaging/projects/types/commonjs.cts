// The package's types in a CommonJS module: compiled, never run.

import { type ErrorCode, open, type Session, type Sessions, TenureError } from "tenure";

import compat = require("tenure/compat");
import manager = require("tenure/compat/manager");
import store = require("tenure/compat/store");
import testing = require("tenure/testing");
import plain = require("tenure/testing/plain");
import wasm = require("tenure/wasm");

export async function use(): Promise<Session | null> {
  const sessions: Sessions = await open("sqlite:./bot.db");
  const other: wasm.SessionsSync = wasm.openSync("memory:");
  // @ts-expect-error: there is no such method
  sessions.begin();
  return (await sessions.get("a")) ?? other.get("a");
}

export const codeOf = (thrown: unknown): ErrorCode | undefined =>
  thrown instanceof TenureError ? thrown.code : undefined;

export async function useOthers(): Promise<void> {
  const { id } = await compat.createSession({ task: "Review #42", mode: "reviewer" });
  compat.getSession(id) satisfies compat.AgentSession | null;
  manager.cleanupOldSessions(30) satisfies number;
  store.cleanupOldSessions(30) satisfies number;
  plain.checkStore satisfies typeof testing.checkStore;
  // @ts-expect-error: there is no such function
  testing.describeStores;
}
