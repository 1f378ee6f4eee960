// SPDX-License-Identifier: MIT
//
// text.ts - strings, symbols and BigInts in both directions, exactly: lone
// surrogates and zero characters stay what they are.
//
// The engine keeps a string as Latin-1 or as UTF-16. What is read is borrowed
// from where it lies in guest memory, and copied at once.

import {
  LOOK_BIGINT,
  LOOK_STRING,
  LOOK_SYMBOL,
  LOOK_TEXT,
  MAKE_BIGINT,
  MAKE_LATIN1,
  MAKE_SYMBOL_FOR,
  MAKE_SYMBOL_KNOWN,
  MAKE_UTF16,
  Status,
} from "./abi.js";
import type { Core } from "./core.js";
import { LimitError, MisuseError, WrongTypeError } from "./errors.js";
import type { JSValueHandle } from "./handle.js";

/** The engine's own limit: characters of a string. */
const STRING_LARGEST = 0x3fffffff;
const CHUNK = 4096;
const SHORT = 24;
const ascii = new TextDecoder();

// ---- Reading ----------------------------------------------------------------

function latin1(u8: Uint8Array, address: number, count: number): string {
  if (count <= SHORT) {
    let text = "";
    for (let i = 0; i < count; i++) {
      text += String.fromCharCode(u8[address + i]!);
    }
    return text;
  }
  const bytes = u8.subarray(address, address + count);
  if (count >= 256 && isAscii(bytes)) return ascii.decode(bytes);
  let text = "";
  for (let at = 0; at < count; at += CHUNK) {
    text += String.fromCharCode.apply(
      null,
      bytes.subarray(at, at + CHUNK) as unknown as number[],
    );
  }
  return text;
}

function isAscii(bytes: Uint8Array): boolean {
  let at = 0;
  const lead = Math.min(-bytes.byteOffset & 3, bytes.length);
  while (at < lead) if (bytes[at++]! >= 128) return false;
  const words = new Uint32Array(
    bytes.buffer,
    bytes.byteOffset + lead,
    (bytes.length - lead) >>> 2,
  );
  for (let i = 0; i < words.length; i++) {
    if ((words[i]! & 0x80808080) !== 0) return false;
  }
  for (at = lead + words.length * 4; at < bytes.length; at++) {
    if (bytes[at]! >= 128) return false;
  }
  return true;
}

function utf16(core: Core, address: number, count: number): string {
  const units = new Uint16Array(core.instance.memory.buffer, address, count);
  let text = "";
  for (let at = 0; at < count; at += CHUNK) {
    text += String.fromCharCode.apply(
      null,
      units.subarray(at, at + CHUNK) as unknown as number[],
    );
  }
  return text;
}

/** Older engines give strings as UTF-8 only. */
function readUtf8(core: Core, bits: bigint): string {
  const { instance, exports } = core;
  core.check(core.enter(() => exports.torpor_string_read(bits)));
  const address = instance.integer(0);
  const size = instance.integer(1);
  const owned = instance.integer(2) === 1;
  const text = instance.text(instance.range(address, size, "a string"), size);
  if (owned) core.enter(() => exports.torpor_release(address));
  return text;
}

/** The text of a string, whose value has these bits. */
export function readString(core: Core, bits: bigint): string {
  if (core.engine.isOlder) return readUtf8(core, bits);
  const { instance, exports } = core;
  const status = core.enter(() => exports.torpor_look(LOOK_STRING, bits));
  if (status !== Status.OK) core.refuse(status);
  const address = instance.integer(0);
  const count = instance.integer(1);
  const width = instance.integer(2);
  instance.range(address, count * width, "a string");
  return width === 1 ? latin1(instance.u8, address, count) : utf16(core, address, count);
}

/** String(value), which may run code of the program. Not of a symbol. */
export function readText(core: Core, bits: bigint): string {
  const { exports } = core;
  core.check(core.enter(() => exports.torpor_look(LOOK_TEXT, bits)));
  const text = core.take();
  try {
    return readString(core, text._bits);
  } finally {
    text.dispose();
  }
}

/** "Symbol(description)", and the key in Symbol.for if there is one. */
export function readSymbol(
  core: Core,
  bits: bigint,
): { description: string | undefined; key: string | undefined } {
  const { exports } = core;
  core.check(core.enter(() => exports.torpor_look(LOOK_SYMBOL, bits)));
  const description = core.take(0);
  const key = core.take(1);
  const read = (handle: JSValueHandle): string | undefined =>
    handle.isString ? readString(core, handle._bits) : undefined;
  try {
    return { description: read(description), key: read(key) };
  } finally {
    description.dispose();
    key.dispose();
  }
}

export function readBigInt(core: Core, bits: bigint): bigint {
  const { instance, exports } = core;
  const status = core.enter(() => exports.torpor_look(LOOK_BIGINT, bits));
  if (status === Status.WRONG_TYPE) {
    throw new WrongTypeError("toBigInt: the value is not a bigint");
  }
  core.check(status);
  const address = instance.integer(0);
  const size = instance.integer(1);
  const owned = instance.integer(2) === 1;
  const negative = instance.integer(3) === 1;
  instance.range(address, size, "a bigint");
  const value = wordsToBigInt(instance.u8, address, size);
  if (owned) core.enter(() => exports.torpor_release(address));
  return negative ? -value : value;
}

/** The lowest word comes first. */
function wordsToBigInt(u8: Uint8Array, address: number, size: number): bigint {
  let hex = "";
  for (let at = address + size - 1; at >= address; at--) {
    hex += u8[at]!.toString(16).padStart(2, "0");
  }
  return BigInt(`0x${hex || "0"}`);
}

// ---- Making -----------------------------------------------------------------

function isShortAscii(text: string): boolean {
  if (text.length > 64) return false;
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) >= 128) return false;
  }
  return true;
}

export function newString(core: Core, text: string): JSValueHandle {
  if (typeof text !== "string") {
    throw new MisuseError("newString takes a string");
  }
  core.begin();
  if (isShortAscii(text)) {
    const placed = core.put(text);
    const { exports } = core;
    return core.made(
      core.enter(() => exports.torpor_string_new(placed.address, placed.size)),
    );
  }
  return core.engine.isOlder ? newUtf8(core, text) : newLongString(core, text);
}

function newUtf8(core: Core, text: string): JSValueHandle {
  const mark = core.mark();
  const placed = core.put(text);
  const { exports } = core;
  try {
    return core.give(core.enter(() => exports.torpor_string_new(placed.address, placed.size)));
  } finally {
    core.end(mark);
  }
}

/** Whether a character does not fit into a byte. */
function isWide(text: string): boolean {
  // ASCII, which the host finds out faster than a loop.
  if (text.length >= 256 && encoder.encode(text).length === text.length) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return true;
  return false;
}

/** The guest makes the string, whose characters are filled in afterwards. */
function newLongString(core: Core, text: string): JSValueHandle {
  const { instance, exports } = core;
  const count = text.length;
  if (count > STRING_LARGEST) {
    throw new LimitError(
      `a string has at most ${STRING_LARGEST} characters; this one has ${count}`,
    );
  }
  const wide = isWide(text);
  core.slot(0, BigInt(count));
  const status = core.enter(() => exports.torpor_make(wide ? MAKE_UTF16 : MAKE_LATIN1, 1));
  const address = instance.integer(1);
  const made = core.made(status);
  if (status !== Status.OK || address === 0) return made;
  instance.range(address, wide ? count * 2 : count, "a string");
  if (wide) {
    const units = new Uint16Array(instance.memory.buffer, address, count);
    for (let i = 0; i < count; i++) units[i] = text.charCodeAt(i);
  } else {
    writeLatin1(instance.u8, address, text);
  }
  return made;
}

const encoder = new TextEncoder();

function writeLatin1(u8: Uint8Array, address: number, text: string): void {
  const count = text.length;
  if (count >= 256) {
    // All that is ASCII is the same in UTF-8; the first that is not ends it.
    const room = u8.subarray(address, address + count);
    const { read, written } = encoder.encodeInto(text, room);
    if (read === count && written === count) return;
  }
  for (let i = 0; i < count; i++) u8[address + i] = text.charCodeAt(i);
}

export function newBigInt(core: Core, value: bigint): JSValueHandle {
  if (typeof value !== "bigint") {
    throw new MisuseError("newBigInt takes a bigint");
  }
  core.begin();
  const { exports } = core;
  const mark = core.mark();
  const words = core.putBytes(bigIntToWords(value < 0n ? -value : value));
  core.slot(0, value < 0n ? 1n : 0n);
  core.slot(1, BigInt(words.address));
  core.slot(2, BigInt(words.size / 4));
  const made = core.made(core.enter(() => exports.torpor_make(MAKE_BIGINT, 3)));
  core.end(mark);
  return made;
}

/** 32-bit words, the lowest first. Through hexadecimal, which takes linear time. */
function bigIntToWords(value: bigint): Uint8Array {
  const digits = value.toString(16);
  const bytes = new Uint8Array(Math.ceil(digits.length / 8) * 4);
  for (let end = digits.length, at = 0; end > 0; end -= 2, at++) {
    bytes[at] = parseInt(digits.slice(Math.max(0, end - 2), end), 16);
  }
  return bytes;
}

/** Symbol.for(key). */
export function newSymbolFor(core: Core, key: string): JSValueHandle {
  if (typeof key !== "string") {
    throw new MisuseError("newSymbolFor takes a string");
  }
  return makeText(core, MAKE_SYMBOL_FOR, key);
}

function makeText(core: Core, kind: number, text: string): JSValueHandle {
  core.begin();
  const { exports } = core;
  const mark = core.mark();
  core.slotText(0, core.put(text));
  const made = core.made(core.enter(() => exports.torpor_make(kind, 2)));
  core.end(mark);
  return made;
}

/**
 * The guest's counterpart of a symbol of the host: Symbol.for(...), or Symbol.iterator and its
 * like.
 */
export function symbolOf(core: Core, symbol: symbol): JSValueHandle {
  const key = Symbol.keyFor(symbol);
  if (key !== undefined) return makeText(core, MAKE_SYMBOL_FOR, key);
  const { description } = symbol;
  const known = description?.startsWith("Symbol.") ? description.slice(7) : undefined;
  if (
    known !== undefined &&
    (Symbol as unknown as Record<string, unknown>)[known] === symbol
  ) {
    return makeText(core, MAKE_SYMBOL_KNOWN, known);
  }
  throw new MisuseError(
    `${
      String(symbol)
    } is a unique symbol, which no VM has; use Symbol.for, or a handle of the guest's symbol`,
  );
}
