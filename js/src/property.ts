// SPDX-License-Identifier: MIT
//
// property.ts - properties: get, set, define, delete, what an object has.
//
// A key is a string, a number, a symbol of the host that the guest has too
// (Symbol.for, Symbol.iterator), or a handle, which is converted as in obj[key].

import {
  Descriptor,
  type Integrity,
  Keys,
  OP_DELETE,
  OP_GET,
  OP_HAS,
  OP_HAS_OWN,
  OP_INTEGRITY_SET,
  OP_INTEGRITY_TEST,
  OP_KEYS,
  OP_LENGTH,
  OP_OWN,
  OP_PROTOTYPE,
  OP_PROTOTYPE_SET,
  OP_SET,
  Status,
} from "./abi.js";
import { numberBits, UNDEFINED_BITS } from "./border.js";
import { isWellFormed } from "./data/text-write.js";
import type { Core } from "./core.js";
import { describeHost } from "./host-value.js";
import { MisuseError, WrongTypeError } from "./errors.js";
import type { JSValueHandle } from "./handle.js";
import { newString, readString, symbolOf } from "./text.js";

/** A key: symbols are those that both sides have, as Symbol.for("x") and Symbol.iterator. */
export type PropertyKeyLike = string | number | symbol | JSValueHandle;

/** What `defineProp` makes of a property; what is left out is false. */
export interface PropertyFlags {
  writable?: boolean;
  enumerable?: boolean;
  configurable?: boolean;
}

/** An own property, as Object.getOwnPropertyDescriptor gives it. The handles are the caller's. */
export interface OwnDescriptor {
  value?: JSValueHandle;
  get?: JSValueHandle;
  set?: JSValueHandle;
  writable?: boolean;
  enumerable: boolean;
  configurable: boolean;
}

const LONGEST_INDEX = 0xfffffffe;

function isIndex(key: unknown): key is number {
  return typeof key === "number" && key >= 0 && key <= LONGEST_INDEX && Number.isInteger(key);
}

/** Whether UTF-8 says the same. */
function isPlain(key: string): boolean {
  return key.length <= 21000 && isWellFormed(key);
}

/** A key's bits, and what has to be disposed of afterwards. */
function keyOf(core: Core, key: PropertyKeyLike): { bits: bigint; made: JSValueHandle | null } {
  if (core.isHandle(key)) return { bits: core.bits(key), made: null };
  if (typeof key === "number") return { bits: numberBits(key), made: null };
  const made = typeof key === "string"
    ? newString(core, key)
    : typeof key === "symbol"
    ? symbolOf(core, key)
    : refuseKey(key);
  return { bits: core.bits(made), made };
}

function refuseKey(key: unknown): never {
  throw new MisuseError(
    `a key is a string, a number, a symbol or a handle, not ${describeHost(key)}`,
  );
}

/** Gives what `use` does with a key as a value. */
export function withKey<T>(core: Core, key: PropertyKeyLike, use: (key: bigint) => T): T {
  const { bits, made } = keyOf(core, key);
  try {
    return use(bits);
  } finally {
    made?.dispose();
  }
}

/** An operation with a key that gives a status. */
function reflect(
  core: Core,
  op: number,
  object: bigint,
  key: PropertyKeyLike,
  value: bigint,
): number {
  return withKey(core, key, (bits) => {
    core.begin();
    return core.enter(() => core.exports.torpor_reflect(op, object, bits, value));
  });
}

export function getProperty(
  core: Core,
  object: JSValueHandle,
  key: PropertyKeyLike,
): JSValueHandle {
  core.begin();
  const bits = core.bits(object);
  const { exports } = core;
  let status: number;
  if (typeof key === "string" && isPlain(key)) {
    const mark = core.mark();
    const name = core.put(key);
    status = core.enter(() => exports.torpor_get(bits, name.address, name.size));
    if (core.mark() !== mark) return giveAndEnd(core, status, mark);
  } else if (isIndex(key)) {
    status = core.enter(() => exports.torpor_get_index(bits, key));
  } else {
    status = reflect(core, OP_GET, bits, key, UNDEFINED_BITS);
  }
  return core.giveLast(status);
}

/** Gives what came before the text of the key is released, which overwrites it. */
function giveAndEnd(core: Core, status: number, mark: number): JSValueHandle {
  try {
    return core.give(status);
  } finally {
    core.end(mark);
    core.leave();
  }
}

export function setProperty(
  core: Core,
  object: JSValueHandle,
  key: PropertyKeyLike,
  value: JSValueHandle,
): void {
  core.begin();
  const bits = core.bits(object);
  const valueBits = core.bits(value);
  const { exports } = core;
  let status: number;
  const mark = core.mark();
  if (typeof key === "string" && isPlain(key)) {
    const name = core.put(key);
    status = core.enter(() => exports.torpor_set(bits, name.address, name.size, valueBits));
  } else if (isIndex(key)) {
    status = core.enter(() => exports.torpor_set_index(bits, key, valueBits));
  } else {
    status = reflect(core, OP_SET, bits, key, valueBits);
  }
  finish(core, status, mark);
}

function finish(core: Core, status: number, mark: number): void {
  try {
    checkObject(core, status);
  } finally {
    core.end(mark);
    core.leave();
  }
}

function checkObject(core: Core, status: number): void {
  if (status === Status.WRONG_TYPE) {
    throw new WrongTypeError("the value is not an object, which alone has properties of its own");
  }
  core.check(status);
}

export function defineProperty(
  core: Core,
  object: JSValueHandle,
  key: PropertyKeyLike,
  value: JSValueHandle,
  flags: PropertyFlags = {},
): void {
  if (typeof flags !== "object" || flags === null) {
    throw new MisuseError(
      `what a property may be is { writable, enumerable, configurable }, not ${
        describeHost(flags)
      }`,
    );
  }
  const { bits: keyBits, made } = keyOf(core, key);
  try {
    core.begin();
    const objectBits = core.bits(object);
    core.slot(0, core.bits(value));
    core.slot(1, UNDEFINED_BITS);
    core.slot(2, UNDEFINED_BITS);
    const said = Descriptor.HAS_VALUE | Descriptor.HAS_WRITABLE | Descriptor.HAS_ENUMERABLE |
      Descriptor.HAS_CONFIGURABLE |
      (flags.writable ? Descriptor.WRITABLE : 0) |
      (flags.enumerable ? Descriptor.ENUMERABLE : 0) |
      (flags.configurable ? Descriptor.CONFIGURABLE : 0);
    const slots = core.instance.slots * 4;
    finish(
      core,
      core.enter(() => core.exports.torpor_define(objectBits, keyBits, said, slots)),
      core.mark(),
    );
  } finally {
    made?.dispose();
  }
}

/** False: it cannot be deleted. */
export function deleteProperty(core: Core, object: JSValueHandle, key: PropertyKeyLike): boolean {
  return askBoolean(core, OP_DELETE, object, key);
}

/** As `in`, along the prototypes. */
export function hasProperty(core: Core, object: JSValueHandle, key: PropertyKeyLike): boolean {
  return askBoolean(core, OP_HAS, object, key);
}

export function hasOwn(core: Core, object: JSValueHandle, key: PropertyKeyLike): boolean {
  return askBoolean(core, OP_HAS_OWN, object, key);
}

function askBoolean(core: Core, op: number, object: JSValueHandle, key: PropertyKeyLike): boolean {
  core.begin();
  const status = reflect(core, op, core.bits(object), key, UNDEFINED_BITS);
  try {
    checkObject(core, status);
    return core.take() === core.true;
  } finally {
    core.leave();
  }
}

export function ownDescriptor(
  core: Core,
  object: JSValueHandle,
  key: PropertyKeyLike,
): OwnDescriptor | undefined {
  core.begin();
  const status = reflect(core, OP_OWN, core.bits(object), key, UNDEFINED_BITS);
  try {
    checkObject(core, status);
    return takeDescriptor(core);
  } finally {
    core.leave();
  }
}

function takeDescriptor(core: Core): OwnDescriptor | undefined {
  const flags = core.instance.integer(0);
  if (flags === 0) return undefined;
  const [value, get, set] = [core.take(1), core.take(2), core.take(3)];
  const common = {
    enumerable: (flags & Descriptor.ENUMERABLE) !== 0,
    configurable: (flags & Descriptor.CONFIGURABLE) !== 0,
  };
  if (flags & (Descriptor.HAS_GET | Descriptor.HAS_SET)) return { get, set, ...common };
  return { value, writable: (flags & Descriptor.WRITABLE) !== 0, ...common };
}

/** An operation without a key; gives what `read` makes of its result. */
export function askFor<T>(
  core: Core,
  op: number,
  object: JSValueHandle,
  detail: bigint,
  read: () => T,
): T {
  core.begin();
  const bits = core.bits(object);
  const status = core.enter(() => core.exports.torpor_reflect(op, bits, UNDEFINED_BITS, detail));
  try {
    checkObject(core, status);
    return read();
  } finally {
    core.leave();
  }
}

function ask(core: Core, op: number, object: JSValueHandle, detail: bigint): JSValueHandle {
  return askFor(core, op, object, detail, () => core.take());
}

export function lengthOf(core: Core, object: JSValueHandle): number {
  return ask(core, OP_LENGTH, object, 0n)._number;
}

/** An object or null. */
export function prototypeOf(core: Core, object: JSValueHandle): JSValueHandle {
  return ask(core, OP_PROTOTYPE, object, 0n);
}

/** `prototype`: an object or null. */
export function setPrototype(core: Core, object: JSValueHandle, prototype: JSValueHandle): void {
  const bits = core.bits(prototype);
  askFor(core, OP_PROTOTYPE_SET, object, bits, () => undefined);
}

export function setIntegrity(core: Core, object: JSValueHandle, level: Integrity): void {
  askFor(core, OP_INTEGRITY_SET, object, BigInt(level), () => undefined);
}

export function hasIntegrity(core: Core, object: JSValueHandle, level: Integrity): boolean {
  return ask(core, OP_INTEGRITY_TEST, object, BigInt(level)) === core.true;
}

function listKeys(core: Core, object: JSValueHandle, which: number): JSValueHandle[] {
  const array = ask(core, OP_KEYS, object, BigInt(which));
  try {
    const keys: JSValueHandle[] = [];
    const count = lengthOf(core, array);
    const bits = core.bits(array);
    for (let i = 0; i < count; i++) {
      core.begin();
      core.check(core.enter(() => core.exports.torpor_get_index(bits, i)));
      keys.push(core.take());
    }
    return keys;
  } finally {
    array.dispose();
  }
}

function takeText(core: Core, key: JSValueHandle): string {
  const text = readString(core, key._bits);
  key.dispose();
  return text;
}

/** Object.keys. */
export function keysOf(core: Core, object: JSValueHandle): string[] {
  return listKeys(core, object, Keys.PLAIN).map((key) => takeText(core, key));
}

/** Object.getOwnPropertyNames. */
export function ownNames(core: Core, object: JSValueHandle): string[] {
  return listKeys(core, object, Keys.STRINGS).map((key) => takeText(core, key));
}

/** Reflect.ownKeys: strings, and symbols as handles, which are the caller's. */
export function ownKeys(core: Core, object: JSValueHandle): (string | JSValueHandle)[] {
  return listKeys(core, object, Keys.ALL).map((key) => key.isString ? takeText(core, key) : key);
}
