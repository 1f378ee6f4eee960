// SPDX-License-Identifier: MIT
//
// function.ts - host functions: which one a name is bound to, and making the
// guest's side of one.
//
// The guest knows a host function by the index of its name in a table in its
// own memory, which sleeps and wakes with it. So does the *id*, its place among
// the functions that the host made, from 1. A second function of the same name gets a name of its
// own in
// the table, "ID.name", of which JavaScript sees the part behind the dot.
//
//  (1) What is bound by id goes before what is bound by name.
//  (2) An index is used again only after the guest has said that no function
//      has its name any more, and that was taken note of here.

import {
  COLLECTED_NAME,
  CONTROL_FUNCTION_COUNT,
  CONTROL_FUNCTIONS,
  FUNCTION_CAPTURED,
  FUNCTION_FLAGS,
  FUNCTION_LENGTH,
  FUNCTION_NAME,
  FUNCTION_NAME_SIZE,
  FUNCTION_OF_CLASS,
  FUNCTION_SHOWN,
  FUNCTION_SHOWN_SIZE,
  FUNCTION_SIZE,
  FUNCTION_TARGET,
  NAME_BYTES,
  NAME_SIZE,
  NAME_TEXT,
  Status,
} from "./abi.js";
import { UNDEFINED_BITS } from "./border.js";
import type { Core } from "./core.js";
import { isWellFormed } from "./data/text-write.js";
import { MisuseError } from "./errors.js";
import type { JSValueHandle } from "./handle.js";

/** What a host function may give: a handle, a value that needs none, or a promise of one. */
export type HostResult =
  | JSValueHandle
  | undefined
  | void
  | null
  | boolean
  | number
  | string
  | bigint;

/**
 * A function of the host. It gets the arguments as handles, which end with the
 * call (`dup` keeps one), and the guest's `this` as its own.
 */
export type HostFunction = (
  this: JSValueHandle,
  ...args: JSValueHandle[]
) => HostResult | Promise<HostResult | unknown>;

const NAME_LARGEST = 255;
/** The guest is not believed that there is more, in one go. */
const COLLECTED_MOST = 1 << 20;

export class HostFunctions {
  private readonly core: Core;
  private readonly byName = new Map<string, HostFunction>();
  private readonly byId = new Map<number, HostFunction>();
  /** What an index was found to be bound to. */
  private readonly found: (HostFunction | undefined)[] = [];
  /** Indexes by name: of the first `read` ones, but for those that are free. */
  private readonly indexes = new Map<string, number>();
  private read = 0;
  private readonly free = new Set<number>();
  private ephemeral = 0;
  /** Told of objects of the host's classes that are gone, while no host function knows them. */
  collected: (serial: number) => void = () => {};
  /** Those that are gone, of which it was not told yet. */
  readonly gone: number[] = [];

  constructor(core: Core) {
    this.core = core;
  }

  /** The function of an index, if it is bound. */
  find(index: number): HostFunction | undefined {
    return this.found[index] ?? this.look(index);
  }

  private look(index: number): HostFunction | undefined {
    let bound = this.byId.get(this.idOf(index));
    if (bound === undefined) {
      const name = this.nameOf(index);
      if (name !== undefined) bound = this.byName.get(name);
    }
    if (bound !== undefined && index < this.count) this.found[index] = bound;
    return bound;
  }

  /** The engine's own library has the first names. */
  private idOf(index: number): number {
    return index + 1 - this.core.engine.functionCount;
  }

  private get count(): number {
    return this.core.word(CONTROL_FUNCTION_COUNT);
  }

  /** The name that the guest has at an index. */
  nameOf(index: number): string | undefined {
    const { instance } = this.core;
    if (index >= this.count) return undefined;
    const at = this.core.word(CONTROL_FUNCTIONS) + index * NAME_BYTES;
    instance.range(at, NAME_BYTES, "the table of host functions");
    const address = instance.u32[(at + NAME_TEXT) >>> 2]!;
    const size = instance.u32[(at + NAME_SIZE) >>> 2]!;
    if (address === 0 || size > NAME_LARGEST) return undefined;
    instance.range(address, size, "the name of a host function");
    return instance.text(address, size);
  }

  private indexOf(name: string): number {
    const { count } = this;
    for (; this.read < count; this.read++) this.note(this.read);
    for (const index of this.free) this.note(index);
    return this.indexes.get(name) ?? -1;
  }

  /** Takes note of the name at an index. */
  private note(index: number): void {
    const name = this.nameOf(index);
    if (name === undefined) return;
    this.indexes.set(name, index);
    this.free.delete(index);
  }

  // ---- Binding --------------------------------------------------------------

  bind(which: string | number, callback: HostFunction): void {
    if (this.core.disposed) this.core.begin();
    if (typeof callback !== "function") {
      throw new MisuseError("a host function is a function");
    }
    this.found.length = 0;
    if (typeof which === "number") {
      if (!Number.isInteger(which) || which < 1) {
        throw new MisuseError("the id of a host function is a whole number from 1");
      }
      this.byId.set(which, callback);
    } else {
      checkName(which);
      this.byName.set(which, callback);
    }
  }

  unbind(which: string | number): boolean {
    if (this.core.disposed) this.core.begin();
    this.found.length = 0;
    if (typeof which === "number") return this.byId.delete(which);
    return this.byName.delete(which);
  }

  clear(): void {
    this.byName.clear();
    this.byId.clear();
    this.found.length = 0;
  }

  // ---- Making ---------------------------------------------------------------

  /** A function of the guest that calls `callback`; if `shared`, so do all others of its name. */
  make(name: string, callback: HostFunction, shared = false): JSValueHandle {
    checkName(name);
    if (typeof callback !== "function") {
      throw new MisuseError("newFunction takes a name and a function");
    }
    const { core } = this;
    core.begin();
    this.takeCollected();
    const own = shared || this.indexOf(name) < 0 ? name : this.freeName(name);
    const made = this.makeNamed(own, name);
    this.found.length = 0;
    this.byName.set(own, callback);
    // Who gives a function here means that one, whatever was bound to the number.
    this.byId.delete(this.idOf(this.indexOf(own)));
    return made;
  }

  /** The same, whose binding ends with it. */
  makeEphemeral(callback: HostFunction): JSValueHandle {
    if (typeof callback !== "function") {
      throw new MisuseError("newEphemeralFunction takes a function");
    }
    const { core } = this;
    core.begin();
    this.takeCollected();
    let name: string;
    do name = `ephemeral ${++this.ephemeral}`; while (this.indexOf(name) >= 0);
    const made = this.makeNamed(name, "");
    this.found.length = 0;
    this.byName.set(name, callback);
    this.byId.delete(this.idOf(this.indexOf(name)));
    return made;
  }

  private freeName(name: string): string {
    for (let id = this.count + 1;; id++) {
      const own = `${id}.${name}`;
      if (this.indexOf(own) < 0) return own;
    }
  }

  /** `of`: what it is of a class, by the class's number, from 1. */
  makeNamed(name: string, shown: string, of = { flags: 0, class: 0 }): JSValueHandle {
    const { core } = this;
    const { instance, exports } = core;
    core.begin();
    const mark = core.mark();
    const text = core.put(name);
    const seen = core.put(shown);
    const at = core.room(FUNCTION_SIZE);
    instance.u8.fill(0, at, at + FUNCTION_SIZE);
    instance.u64[(at + FUNCTION_CAPTURED) >>> 3] = UNDEFINED_BITS;
    instance.u64[(at + FUNCTION_TARGET) >>> 3] = UNDEFINED_BITS;
    const set = (offset: number, value: number) => (instance.u32[(at + offset) >>> 2] = value);
    set(FUNCTION_NAME, text.address);
    set(FUNCTION_NAME_SIZE, text.size);
    set(FUNCTION_SHOWN, seen.address);
    set(FUNCTION_SHOWN_SIZE, seen.size);
    set(FUNCTION_LENGTH, 0);
    set(FUNCTION_FLAGS, of.flags);
    set(FUNCTION_OF_CLASS, of.class);
    const status = core.enter(() => exports.torpor_function_make(at));
    const made = core.made(status);
    core.end(mark);
    return made;
  }

  /**
   * Ends the bindings of names that no function has any more: their indexes will be others'. And
   * tells classes of their objects that are gone, if no host function runs that could know them.
   */
  takeCollected(isQuiet = this.core.instance.depth === 0): void {
    this.takeAll();
    if (isQuiet) { for (const serial of this.gone.splice(0)) this.collected(serial); }
  }

  private takeAll(): void {
    const { core } = this;
    const { instance, exports } = core;
    for (let i = 0; i < COLLECTED_MOST && !core.disposed; i++) {
      const status = core.enter(() => exports.torpor_collected_take());
      if (status !== Status.OK) return;
      if (instance.integer(0) !== COLLECTED_NAME) {
        this.gone.push(instance.integer(1));
        continue;
      }
      this.found.length = 0;
      const index = instance.integer(1);
      const address = instance.integer(2);
      const size = instance.integer(3);
      instance.range(address, size, "the name of a host function");
      const name = instance.text(address, size);
      this.byName.delete(name);
      this.byId.delete(this.idOf(index));
      this.indexes.delete(name);
      if (index < this.read) this.free.add(index);
    }
  }
}

export function checkName(name: unknown): asserts name is string {
  if (typeof name !== "string" || name === "") {
    throw new MisuseError("the name of a host function is a string that is not empty");
  }
  if (!isWellFormed(name)) {
    throw new MisuseError("the name of a host function has no lone surrogates");
  }
  if (name.includes("\0") || new TextEncoder().encode(name).length > NAME_LARGEST) {
    throw new MisuseError(
      `the name of a host function has at most ${NAME_LARGEST} bytes, none of them zero`,
    );
  }
}
