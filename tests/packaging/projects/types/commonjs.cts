// The package's types in a CommonJS module: compiled, never run.

import { type ErrorCode, open, type Session, type Sessions, TenureError } from "tenure";

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
