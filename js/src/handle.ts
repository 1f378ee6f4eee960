// SPDX-License-Identifier: MIT
//
// handle.ts - a value of a VM as the host holds it.
//
// Numbers, booleans, null and undefined are in the handle itself; every other
// value stays in the VM, and the handle keeps it alive there until it is
// disposed of, or until the host's collector finds the handle forgotten.
//
//  (1) A handle is of one VM and is refused by every other.
//  (2) After `dispose` every use is an error, never another value: the number
//      of a handle is never used again.

import { Brand, Integrity } from "./abi.js";
import { BIGINT, BOOLEAN, NULL, NUMBER, OBJECT, STRING, SYMBOL, UNDEFINED } from "./border.js";
import { callMethod } from "./call.js";
import {
  clearEntries,
  countEntries,
  deleteEntry,
  getEntry,
  hasEntry,
  putEntry,
} from "./collection.js";
import type { Core } from "./core.js";
import { iterate } from "./iterate.js";
import {
  brandOf,
  bytesOf,
  classIdOf,
  classNameOf,
  identityOf,
  isCallable,
  proxyPart,
  toBoolean,
  toNumber,
  typeOf,
} from "./look.js";
import { promiseStateOf } from "./promise-state.js";
import {
  defineProperty,
  deleteProperty,
  getProperty,
  hasIntegrity,
  hasOwn,
  hasProperty,
  keysOf,
  lengthOf,
  type OwnDescriptor,
  ownDescriptor,
  ownKeys,
  ownNames,
  type PropertyFlags,
  type PropertyKeyLike,
  prototypeOf,
  setIntegrity,
  setProperty,
  setPrototype,
} from "./property.js";
import { SHOW } from "./show.js";
import { readBigInt, readString, readSymbol, readText } from "./text.js";
import type { QuickJS } from "./vm.js";

// What a handle is besides its value; flags of _state.
/** Shared by everybody; disposing of it does nothing. */
export const CONSTANT = 1;
/** Guest code threw it. */
export const EXCEPTION = 2;
/** Somebody but the caller keeps it, so that being a result does not end it. */
export const KEPT = 4;
/** Ended: by dispose, with the call that it was an argument of, as a result. */
export const DISPOSED = 8;
export const RETURNED = 16;
export const GIVEN = 32;
export const ENDED = DISPOSED | RETURNED | GIVEN;

/** Where handles were disposed of, in debug mode. */
const places = new WeakMap<JSValueHandle, string>();

/** Why a handle cannot be used any more. */
export function endOf(handle: JSValueHandle): string {
  if (handle._state & RETURNED) {
    return "the arguments of a host function end when it returns; dup() keeps one";
  }
  if (handle._state & GIVEN) {
    return "the handle was given to the guest as the result of a host function; dup() keeps one";
  }
  const place = places.get(handle);
  return place ? `the handle was disposed of here:\n${place}` : "the handle was disposed of";
}

/**
 * A value of a VM.
 *
 * ```js
 * using vm = await QuickJS.create();
 * using point = vm.evalCode("({ x: 1, y: [2, 3] })");
 * console.log(point.typeof, point.keys()); // object [ 'x', 'y' ]
 * ```
 */
export class JSValueHandle {
  /** @internal */
  readonly _core: Core;
  /** @internal The border's tag; NUMBER for numbers. */
  readonly _tag: number;
  /** @internal What Number() makes of what is not a handle. */
  readonly _number: number;
  /** @internal Of the global object 0n: its handle in the guest is to be made. */
  _bits: bigint;
  /** @internal Flags: CONSTANT, ... */
  _state: number;
  /** @internal Its number in the order of making. */
  _order = 0;

  /** @internal */
  constructor(core: Core, tag: number, number: number, bits: bigint, state = 0) {
    this._core = core;
    this._tag = tag;
    this._number = number;
    this._bits = bits;
    this._state = state;
  }

  /**
   * The VM that the value is of.
   * @example vm.newObject().vm === vm // true
   */
  get vm(): QuickJS {
    return this._core.vm;
  }

  // ---- What it is ------------------------------------------------------------

  /**
   * Whether guest code threw this value, in a VM with `exceptions: "return"`.
   * @example vm.evalCode("throw 1").isException // true
   */
  get isException(): boolean {
    return (this._state & EXCEPTION) !== 0;
  }
  /**
   * The value undefined.
   * @example vm.undefined.isUndefined // true
   */
  get isUndefined(): boolean {
    return this._isTag(UNDEFINED);
  }
  /**
   * The value null.
   * @example vm.null.isNull // true
   */
  get isNull(): boolean {
    return this._isTag(NULL);
  }
  /**
   * A boolean.
   * @example vm.true.isBool // true
   */
  get isBool(): boolean {
    return this._isTag(BOOLEAN);
  }
  /**
   * A number.
   * @example vm.newNumber(1).isNumber // true
   */
  get isNumber(): boolean {
    return this._isTag(NUMBER);
  }
  /**
   * A string.
   * @example vm.newString("a").isString // true
   */
  get isString(): boolean {
    return this._isTag(STRING);
  }
  /**
   * A symbol.
   * @example vm.newSymbolFor("a").isSymbol // true
   */
  get isSymbol(): boolean {
    return this._isTag(SYMBOL);
  }
  /**
   * A BigInt.
   * @example vm.newBigInt(1n).isBigInt // true
   */
  get isBigInt(): boolean {
    return this._isTag(BIGINT);
  }
  /**
   * An object of any kind, also a function; not null.
   * @example vm.evalCode("(() => 1)").isObject // true
   */
  get isObject(): boolean {
    return this._isTag(OBJECT);
  }
  /**
   * What can be called, also a class.
   * @example vm.evalCode("(() => 1)").isFunction // true
   */
  get isFunction(): boolean {
    return isCallable(this._core, this);
  }
  /**
   * An array that the engine made.
   * @example vm.newArray().isArray // true
   */
  get isArray(): boolean {
    return this.brand === Brand.ARRAY;
  }
  /**
   * An Error that the engine made, also a DOMException.
   * @example vm.newError("no").isError // true
   */
  get isError(): boolean {
    return this.brand === Brand.ERROR;
  }
  /**
   * A promise that the engine made.
   * @example vm.newPromise().handle.isPromise // true
   */
  get isPromise(): boolean {
    return this.brand === Brand.PROMISE;
  }
  /**
   * An ArrayBuffer.
   * @example vm.newArrayBuffer(new ArrayBuffer(8)).isArrayBuffer // true
   */
  get isArrayBuffer(): boolean {
    return this.brand === Brand.ARRAY_BUFFER;
  }
  /**
   * A proxy, which no program can tell from other objects.
   * @example vm.evalCode("new Proxy({}, {})").isProxy // true
   */
  get isProxy(): boolean {
    return this.brand === Brand.PROXY;
  }
  /**
   * A Map.
   * @example vm.newMap().isMap // true
   */
  get isMap(): boolean {
    return this.brand === Brand.MAP;
  }
  /**
   * A Set.
   * @example vm.newSet().isSet // true
   */
  get isSet(): boolean {
    return this.brand === Brand.SET;
  }
  /**
   * A Date.
   * @example vm.newDate(0).isDate // true
   */
  get isDate(): boolean {
    return this.brand === Brand.DATE;
  }
  /**
   * A RegExp.
   * @example vm.evalCode("/a/").isRegExp // true
   */
  get isRegExp(): boolean {
    return this.brand === Brand.REGEXP;
  }
  /**
   * A WeakRef.
   * @example vm.evalCode("new WeakRef({})").isWeakRef // true
   */
  get isWeakRef(): boolean {
    return this.brand === Brand.WEAK_REF;
  }
  /**
   * A WeakMap.
   * @example vm.evalCode("new WeakMap()").isWeakMap // true
   */
  get isWeakMap(): boolean {
    return this.brand === Brand.WEAK_MAP;
  }
  /**
   * A WeakSet.
   * @example vm.evalCode("new WeakSet()").isWeakSet // true
   */
  get isWeakSet(): boolean {
    return this.brand === Brand.WEAK_SET;
  }
  /**
   * A DataView.
   * @example vm.evalCode("new DataView(new ArrayBuffer(1))").isDataView // true
   */
  get isDataView(): boolean {
    return this.brand === Brand.DATA_VIEW;
  }

  /** @internal */
  _isTag(tag: number): boolean {
    this._core.require(this);
    return this._tag === tag;
  }

  /**
   * The kind of object that the engine made, a number of `Brand`; 0 for what is no object. No
   * program can change it.
   * @example vm.newMap().brand === Brand.MAP // true
   */
  get brand(): number {
    return brandOf(this._core, this);
  }

  /**
   * As the operator gives it.
   * @example vm.evalCode("null").typeof // "object"
   */
  get typeof(): string {
    return typeOf(this._core, this);
  }
  /**
   * The number of the engine's class; 0 for what is no object.
   * @example vm.newNumber(1).classId // 0
   */
  get classId(): number {
    return classIdOf(this._core, this);
  }
  /**
   * The engine's name of the class, as "Map"; undefined for what is no object.
   * @example vm.newMap().className // "Map"
   */
  get className(): string | undefined {
    return classNameOf(this._core, this);
  }
  /**
   * The name of the function in `constructor`, if that is plain data.
   * @example vm.evalCode("class Tea {}; new Tea()").constructorName // "Tea"
   */
  get constructorName(): string | undefined {
    return constructorName(this);
  }
  /**
   * A number that the handles of one value share while it lives; 0 for values that are not on the
   * guest's heap.
   * @example vm.global.identity === vm.evalCode("globalThis").identity // true
   */
  get identity(): number {
    return identityOf(this._core, this);
  }
  /**
   * The property `length` as a number.
   * @example vm.evalCode("[1, 2]").length // 2
   */
  get length(): number {
    return lengthOf(this._core, this);
  }
  /**
   * 0 pending, 1 fulfilled, 2 rejected.
   * @example vm.evalCode("Promise.resolve(1)").promiseState // 1
   */
  get promiseState(): number {
    return promiseStateOf(this._core, this);
  }

  // ---- What it holds ---------------------------------------------------------

  /**
   * Number(value); of a bigint or a symbol a TypeError of the guest.
   * @example vm.evalCode("'12'").toNumber() // 12
   */
  toNumber(): number {
    if (this._tag < STRING && (this._state & ENDED) === 0) return this._number;
    return toNumber(this._core, this);
  }
  /**
   * The value of a bigint.
   * @example vm.evalCode("2n ** 64n").toBigInt() // 18446744073709551616n
   */
  toBigInt(): bigint {
    this._core.begin();
    return readBigInt(this._core, this._core.bits(this));
  }
  /**
   * String(value), which may run code of the program when it is an object.
   * @example vm.evalCode("[1, 2]").toString() // "1,2"
   */
  toString(): string {
    const core = this._core;
    core.begin();
    const bits = core.bits(this);
    if (this._tag === STRING) return readString(core, bits);
    if (this._tag === SYMBOL) return `Symbol(${readSymbol(core, bits).description ?? ""})`;
    try {
      return readText(core, bits);
    } finally {
      core.leave();
    }
  }
  /**
   * Whether the value is truthy.
   * @example vm.evalCode("''").toBoolean() // false
   */
  toBoolean(): boolean {
    return toBoolean(this._core, this);
  }
  /**
   * A copy of the bytes of an ArrayBuffer, or of what a view covers.
   * @example vm.evalCode("new ArrayBuffer(8)").toArrayBuffer().byteLength // 8
   */
  toArrayBuffer(): ArrayBuffer {
    return bytesOf(this._core, this).buffer;
  }
  /**
   * The same as a Uint8Array.
   * @example vm.evalCode("new Uint8Array([1, 2])").toUint8Array() // new Uint8Array([1, 2])
   */
  toUint8Array(): Uint8Array<ArrayBuffer> {
    return bytesOf(this._core, this);
  }

  // ---- Properties ------------------------------------------------------------

  /**
   * A property, whose getter may run. `key` is a string, a number, a symbol that both sides have,
   * or a handle.
   * @example vm.evalCode("({ tea: 3 })").getProp("tea").toNumber() // 3
   */
  getProp(key: PropertyKeyLike): JSValueHandle {
    return getProperty(this._core, this, key);
  }
  /**
   * Sets a property, as an assignment in strict mode does.
   * @example vm.global.setProp("tea", vm.newNumber(3)), vm.evalCode("tea").toNumber() // 3
   */
  setProp(key: PropertyKeyLike, value: JSValueHandle): void {
    setProperty(this._core, this, key, value);
  }
  /**
   * Defines a property; what `flags` leaves out is false.
   * @example vm.global.defineProp("tea", vm.newNumber(3)), vm.evalCode("tea = 4; tea").toNumber() // 3
   */
  defineProp(key: PropertyKeyLike, value: JSValueHandle, flags?: PropertyFlags): void {
    defineProperty(this._core, this, key, value, flags);
  }
  /**
   * False: it cannot be deleted.
   * @example vm.evalCode("globalThis.tea = 1"), vm.global.deleteProp("tea") // true
   */
  deleteProp(key: PropertyKeyLike): boolean {
    return deleteProperty(this._core, this, key);
  }
  /**
   * Whether the object or one of its prototypes has the property, as `in` says.
   * @example vm.evalCode("[]").hasProp("map") // true
   */
  hasProp(key: PropertyKeyLike): boolean {
    return hasProperty(this._core, this, key);
  }
  /**
   * Calls a method: what the property is, with the object as `this`.
   * @example vm.evalCode("['a', 'b']").callMethod("join", vm.newString("-")).toString() // "a-b"
   */
  callMethod(key: PropertyKeyLike, ...args: JSValueHandle[]): JSValueHandle {
    return callMethod(this._core, this, key, args);
  }
  /**
   * Whether the object itself has the property.
   * @example vm.evalCode("({ tea: 3 })").hasOwnProperty("tea") // true
   */
  hasOwnProperty(key: PropertyKeyLike): boolean {
    return hasOwn(this._core, this, key);
  }
  /**
   * Whether the object itself has the property, and it is enumerable.
   * @example vm.evalCode("[]").propertyIsEnumerable("length") // false
   */
  propertyIsEnumerable(key: PropertyKeyLike): boolean {
    const found = ownDescriptor(this._core, this, key);
    found?.value?.dispose();
    found?.get?.dispose();
    found?.set?.dispose();
    return found?.enumerable ?? false;
  }
  /**
   * Object.keys.
   * @example vm.evalCode("({ a: 1, b: 2 })").keys() // ["a", "b"]
   */
  keys(): string[] {
    return keysOf(this._core, this);
  }
  /**
   * Object.getOwnPropertyNames.
   * @example vm.evalCode("[7]").getOwnPropertyNames() // ["0", "length"]
   */
  getOwnPropertyNames(): string[] {
    return ownNames(this._core, this);
  }
  /**
   * Reflect.ownKeys; symbols as handles, which are the caller's.
   * @example vm.evalCode("({ a: 1, [Symbol.iterator]: 2 })").getOwnPropertyKeys().length // 2
   */
  getOwnPropertyKeys(): (string | JSValueHandle)[] {
    return ownKeys(this._core, this);
  }
  /**
   * The property, without running its getter; the handles in it are the caller's.
   * @example vm.evalCode("({ get a() { return 1 } })").getOwnPropertyDescriptor("a").get.isFunction // true
   */
  getOwnPropertyDescriptor(key: PropertyKeyLike): OwnDescriptor | undefined {
    return ownDescriptor(this._core, this, key);
  }
  /**
   * An object, or null.
   * @example vm.evalCode("Object.create(null)").getPrototypeOf().isNull // true
   */
  getPrototypeOf(): JSValueHandle {
    return prototypeOf(this._core, this);
  }
  /**
   * Sets the prototype, an object or null, as Object.setPrototypeOf does.
   * @example vm.newObject().consume((h) => (h.setPrototypeOf(vm.null), h.hasProp("toString"))) // false
   */
  setPrototypeOf(prototype: JSValueHandle): void {
    setPrototype(this._core, this, prototype);
  }
  /**
   * Object.preventExtensions: nothing is added any more.
   * @example vm.newObject().consume((h) => (h.preventExtensions(), h.isExtensible())) // false
   */
  preventExtensions(): void {
    setIntegrity(this._core, this, Integrity.INEXTENSIBLE);
  }
  /**
   * Object.seal: nothing is added, removed or defined anew any more.
   * @example vm.newArray().consume((h) => (h.seal(), h.isSealed())) // true
   */
  seal(): void {
    setIntegrity(this._core, this, Integrity.SEALED);
  }
  /**
   * Object.freeze: nothing changes any more.
   * @example vm.newArray().consume((h) => (h.freeze(), h.isFrozen())) // true
   */
  freeze(): void {
    setIntegrity(this._core, this, Integrity.FROZEN);
  }
  /**
   * Object.isExtensible.
   * @example vm.newObject().isExtensible() // true
   */
  isExtensible(): boolean {
    return !hasIntegrity(this._core, this, Integrity.INEXTENSIBLE);
  }
  /**
   * Object.isSealed.
   * @example vm.newObject().isSealed() // false
   */
  isSealed(): boolean {
    return hasIntegrity(this._core, this, Integrity.SEALED);
  }
  /**
   * Object.isFrozen.
   * @example vm.newObject().isFrozen() // false
   */
  isFrozen(): boolean {
    return hasIntegrity(this._core, this, Integrity.FROZEN);
  }
  /**
   * What a proxy stands before, without its traps; null once it is revoked.
   * @example vm.evalCode("new Proxy([1], {})").getProxyTarget().isArray // true
   */
  getProxyTarget(): JSValueHandle {
    return proxyPart(this._core, this, 0);
  }
  /**
   * What holds a proxy's traps; null once it is revoked.
   * @example vm.evalCode("new Proxy([], { has() {} })").getProxyHandler().keys() // ["has"]
   */
  getProxyHandler(): JSValueHandle {
    return proxyPart(this._core, this, 1);
  }

  // ---- What it contains -------------------------------------------------------

  /**
   * The items of whatever for...of takes in the guest: arrays, Maps, Sets, strings, generators.
   * Their handles are the caller's; what the program throws is thrown. A loop that is left early
   * ends the iterator, as in the guest.
   * @example [...vm.evalCode("new Set(['a', 'b'])")].map(String) // ["a", "b"]
   */
  [Symbol.iterator](): Generator<JSValueHandle, void, undefined> {
    return iterate(this._core, this);
  }
  /**
   * How many entries a Map, Set, WeakMap or WeakSet has. This and what follows runs no code of the
   * program, whatever it has made of the methods of its collections.
   * @example vm.evalCode("new Map([['a', 1]])").entryCount // 1
   */
  get entryCount(): number {
    return countEntries(this._core, this);
  }
  /**
   * Puts an entry into a Map or WeakMap, or into a Set or WeakSet, of which `key` is the item.
   * @example vm.newSet().consume((h) => (h.putEntry(vm.true), h.entryCount)) // 1
   */
  putEntry(key: JSValueHandle, value?: JSValueHandle): void {
    putEntry(this._core, this, key, value);
  }
  /**
   * What a Map or WeakMap has for a key; undefined where there is none.
   * @example vm.evalCode("new Map([[true, 5]])").getEntry(vm.true).toNumber() // 5
   */
  getEntry(key: JSValueHandle): JSValueHandle {
    return getEntry(this._core, this, key);
  }
  /**
   * Whether a collection has the key or item.
   * @example vm.evalCode("new Set([null])").hasEntry(vm.null) // true
   */
  hasEntry(key: JSValueHandle): boolean {
    return hasEntry(this._core, this, key);
  }
  /**
   * Removes an entry; false: there was none.
   * @example vm.evalCode("new Set([null])").deleteEntry(vm.true) // false
   */
  deleteEntry(key: JSValueHandle): boolean {
    return deleteEntry(this._core, this, key);
  }
  /**
   * Removes all entries of a Map or Set.
   * @example vm.evalCode("new Set([1, 2])").consume((h) => (h.clearEntries(), h.entryCount)) // 0
   */
  clearEntries(): void {
    clearEntries(this._core, this);
  }

  // ---- Its life --------------------------------------------------------------

  /**
   * Gives the handle to `use`, and disposes of it afterwards.
   * @example vm.evalCode("6 * 7").consume((h) => h.toNumber()) // 42
   */
  consume<T>(use: (handle: this) => T): T {
    try {
      return use(this);
    } finally {
      this.dispose();
    }
  }

  /**
   * Another handle of the same value, with a life of its own.
   * @example vm.newString("tea").consume((h) => h.dup()).toString() // "tea"
   */
  dup(): JSValueHandle {
    const core = this._core;
    core.begin();
    const bits = core.bits(this);
    if (this._state & CONSTANT) return this;
    const state = this._state & EXCEPTION;
    if (this._tag < STRING) {
      return new JSValueHandle(core, this._tag, this._number, this._bits, state);
    }
    core.check(core.enter(() => core.exports.torpor_value_retain(bits)));
    const copy = core.take();
    copy._state |= this._state & EXCEPTION;
    return copy;
  }

  /**
   * Whether the handle has ended.
   * @example vm.newString("tea").disposed // false
   */
  get disposed(): boolean {
    return (this._state & ENDED) !== 0;
  }

  /**
   * Ends the handle; does nothing if it has ended.
   * @example vm.newString("tea").dispose() // undefined
   */
  dispose(): void {
    if (this._state & (ENDED | CONSTANT)) return;
    const core = this._core;
    this._state |= DISPOSED;
    if (core.settings.debug) places.set(this, disposalPlace());
    if (this._tag >= STRING) core.release(this._bits);
  }

  /** The same, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal */
  [SHOW](): string {
    const { _tag, _state } = this;
    const what = _state & ENDED || this._core.disposed
      ? "<disposed>"
      : _tag === NUMBER
      ? this._number
      : _tag === BOOLEAN
      ? this._number === 1
      : SHOWN[_tag];
    return `JSValueHandle { ${what}${_state & EXCEPTION ? ", thrown" : ""} }`;
  }
}

/** What is shown of a value that the handle itself does not know. */
const SHOWN: Readonly<Record<number, string>> = {
  [UNDEFINED]: "undefined",
  [NULL]: "null",
  [STRING]: "<string>",
  [SYMBOL]: "<symbol>",
  [BIGINT]: "<bigint>",
  [OBJECT]: "<object>",
};

function disposalPlace(): string {
  const stack = new Error().stack ?? "";
  const lines = stack.split("\n").filter((line) =>
    line.trimStart().startsWith("at ") || line.includes("@")
  ).slice(2, 6);
  return lines.join("\n");
}

/** Prototypes that are looked at. */
const DEEPEST = 100;

/** Follows plain data only: no getter and no trap of a proxy runs. */
function constructorName(handle: JSValueHandle): string | undefined {
  const core = handle._core;
  if (!handle._isTag(OBJECT)) return undefined;
  const held: JSValueHandle[] = [];
  const hold = (found: JSValueHandle | undefined) => {
    if (found) held.push(found);
    return found;
  };
  try {
    let object: JSValueHandle = handle;
    for (let depth = 0; depth < DEEPEST && object.isObject && !object.isProxy; depth++) {
      const found = dataOf(core, object, "constructor");
      if (found !== undefined) {
        const maker = hold(found ?? undefined);
        if (!maker?.isFunction || maker.isProxy) return undefined;
        const name = hold(dataOf(core, maker, "name") ?? undefined);
        return name?.isString ? name.toString() : undefined;
      }
      object = prototypeOf(core, object);
      held.push(object);
    }
    return undefined;
  } finally {
    for (const one of held) one.dispose();
  }
}

/** The value of an own property; null when that has a getter. */
function dataOf(core: Core, object: JSValueHandle, key: string): JSValueHandle | null | undefined {
  const found = ownDescriptor(core, object, key);
  found?.get?.dispose();
  found?.set?.dispose();
  return found && (found.value ?? null);
}
