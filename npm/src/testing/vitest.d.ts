// The part of vitest that `tenure/testing` uses. It is written by hand because vitest is an
// optional peer dependency, which may not be installed when this is compiled.

declare module "vitest" {
  export function describe(name: string, body: () => void | Promise<void>): void;
  export function it(
    name: string,
    body: (context: { skip(note?: string): void }) => Promise<void>,
    timeout?: number,
  ): void;
}
