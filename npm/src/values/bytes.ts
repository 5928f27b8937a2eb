/**
 * Decodes base 64.
 *
 * @module
 */

import { invalidArgument, messageOf } from "./error.js";

/** `Uint8Array` where it decodes itself, which is quickest. */
interface Decoder {
  fromBase64?(text: string): Uint8Array;
}

/** The bytes of a text in base 64. */
export function bytesOf(text: string): Uint8Array {
  try {
    const { fromBase64 } = Uint8Array as Decoder;
    if (fromBase64 !== undefined) return fromBase64(text);
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
    return bytes;
  } catch (thrown) {
    throw invalidArgument("bytes", `expected base 64: ${messageOf(thrown)}`, thrown);
  }
}
