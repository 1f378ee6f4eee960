// SPDX-License-Identifier: MIT
//
// error-read.ts - errors in CBOR to errors of this host.
//
// The name, which comes first, says of which class one is; it exists before its
// fields are read, so that it may be its own cause. A field is a property that
// is not enumerable, as in errors that are thrown. What is no field of an error
// is dropped, so that newer writers can say more.

import { FormatError } from "../errors.js";
import * as cbor from "./cbor.js";
import type { Reader } from "./cbor-read.js";

const NATIVE = [
  "EvalError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "TypeError",
  "URIError",
  "AggregateError",
  "SuppressedError",
];
/** Names that the web platform gives to its own exceptions. */
const DOM = ["AbortError", "TimeoutError"];
const FIELDS = ["message", "stack", "cause", "code", "errors"];

const host = globalThis as unknown as Record<string, unknown>;

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, {
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}

/** The text that comes next, or undefined and nothing read. */
function peekText(r: Reader): string | undefined {
  const at = r.at;
  try {
    return r.readString();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    r.at = at;
    return undefined;
  }
}

/** The text of the field that comes next, if it has this key. */
function peekField(r: Reader, key: string): string | undefined {
  const at = r.at;
  const text = peekText(r) === key ? peekText(r) : undefined;
  if (text === undefined) r.at = at;
  return text;
}

function makeNamed(name: string): Error {
  const kind = NATIVE.includes(name) ? host[name] : undefined;
  if (typeof kind === "function") return Reflect.construct(Error, [""], kind) as Error;
  const error = new Error("");
  if (name !== "Error") define(error, "name", name);
  return error;
}

function isDom(error: Error): boolean {
  return typeof DOMException === "function" && error instanceof DOMException;
}

function setField(error: Error, key: string, value: unknown): void {
  const dropped = key === "message" && isDom(error) && typeof value !== "string";
  if (!dropped && FIELDS.includes(key)) define(error, key, value);
}

export function readError(r: Reader): Error {
  r.readHead();
  if (r.major !== cbor.MAP) r.refuse(r.headAt, "an error that is not a map");
  r.checkFits(2);
  let left = r.number;
  const name = left > 0 ? peekField(r, "name") : undefined;
  if (name !== undefined) left--;
  let error: Error;
  if (name !== undefined && DOM.includes(name) && typeof DOMException === "function") {
    const message = left > 0 ? peekField(r, "message") : undefined;
    if (message !== undefined) left--;
    error = new DOMException(message ?? "", name);
  } else {
    error = makeNamed(name ?? "Error");
  }
  define(error, "stack", undefined);
  r.bind(error);
  for (; left > 0; left--) setField(error, r.readString(), r.readValue());
  giveStack(error, name ?? "Error", r.handle !== undefined);
  return error;
}

/** A stack as hosts have it: name and message, which the guest's leave out, and then the places. */
export function stackOf(name: string, message: string, places: string): string {
  return places === "" ? `${name}: ${message}` : `${name}: ${message}\n${places.trimEnd()}`;
}

/** Of an error that is to be the host's, which prints its stack and nothing else. */
function giveStack(error: Error, name: string, isLive: boolean): void {
  const { message, stack } = error as { message: unknown; stack?: unknown };
  if (typeof message !== "string") return;
  const isGuests = isLive && typeof stack === "string" && /^(?:$|\s+at )/.test(stack);
  if (stack !== undefined && !isGuests) return;
  define(error, "stack", stackOf(name, message, isGuests ? stack : ""));
}
