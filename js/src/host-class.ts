// SPDX-License-Identifier: MIT
//
// host-class.ts - classes whose objects belong to the host (in C: torpor/class.h).
//
// To the guest it is a class like any other. What one of its objects stands for,
// its *data*, is the host's, which the guest cannot see or replace; the object
// has an *id* that sleeps with it, and by which the host finds the data again.
// The guest numbers the objects (their *serial*); no number is used twice.
//
//  (1) A class is a constructor and members, which are host functions named
//      after it: "File", "File.read", "File.get size", "File.static open". They
//      are bound like others after a restore, by making the class again.
//  (2) The guest sees to it that methods get objects of their class. It is not
//      believed: what a call is about is looked up here, by its serial.

import {
  FUNCTION_GETTER,
  FUNCTION_SETTER,
  FUNCTION_STATIC,
  HOST_CANCELLED,
  Status,
} from "./abi.js";
import type { Core } from "./core.js";
import { ExistsError, MisuseError, NotFoundError, WrongTypeError } from "./errors.js";
import { checkName, type HostFunction, type HostFunctions, type HostResult } from "./function.js";
import type { JSValueHandle } from "./handle.js";
import { describeHost } from "./host-value.js";

/** A method or accessor: `this` is the object's handle, as for host functions. */
export type HostMember<T> = (
  this: JSValueHandle,
  data: T,
  ...args: JSValueHandle[]
) => HostResult | Promise<HostResult | unknown>;

/**
 * What a class of the host's is made of. Names of members may be those of symbols, as
 * "[Symbol.iterator]".
 */
export interface HostClassOptions<T> {
  /**
   * Called for `new` with its arguments, and the new object as `this`; gives the object's data.
   * Left out: programs cannot make such objects, only `newInstance` can.
   * @example vm.newClass("Tea", { construct: () => "green" }).handle.isFunction // true
   */
  construct?(this: JSValueHandle, ...args: JSValueHandle[]): T;
  /**
   * How many parameters the constructor says that it has; 0 if left out.
   * @example vm.newClass("Tea", { length: 2 }).handle.length // 2
   */
  length?: number;
  /**
   * The number of 64 bits that sleeps with an object; 0 if left out.
   * @example vm.newClass("Tea", { id: (tea) => tea.id }).handle.isFunction // true
   */
  id?(data: T): number | bigint;
  /**
   * Methods.
   * @example vm.newClass("Tea", { methods: { pour: (tea, cups) => cups.toNumber() } }).name // "Tea"
   */
  methods?: Readonly<Record<string, HostMember<T>>>;
  /**
   * Accessors, by the name of the property.
   * @example vm.newClass("Tea", { getters: { kind: (tea) => tea.kind } }).handle.isFunction // true
   */
  getters?: Readonly<Record<string, HostMember<T>>>;
  /**
   * What is called when such a property is set.
   * @example vm.newClass("Tea", { setters: { a: (tea, to) => void (tea.a = `${to}`) } }).name // "Tea"
   */
  setters?: Readonly<Record<string, HostMember<T>>>;
  /**
   * Functions of the class itself.
   * @example vm.newClass("Tea", { statics: { kinds: () => 3 } }), vm.evalCode("Tea.kinds()").toNumber() // 3
   */
  statics?: Readonly<Record<string, HostFunction>>;
  /**
   * Told once of each object that the host knew, with its data: when it was collected, at the end
   * of a call into the VM; in one that makes very many, from time to time when one was made; or
   * when the VM is disposed of, the newest first.
   * @example vm.newClass("Tea", { finalize: (tea) => tea.close() }).handle.isFunction // true
   */
  finalize?(data: T, id: bigint): void;
  /**
   * Gives the data of an object that slept, or whose VM was copied, when it is first used. Left
   * out: using such an object throws a LostError in the guest.
   * @example vm.newClass("Tea", { restore: (id) => ({ id }) }).handle.isFunction // true
   */
  restore?(id: bigint): T;
  /**
   * Whether the class is no global; `handle` gives it to the program then.
   * @example vm.newClass("Tea", { hidden: true }), vm.evalCode("typeof Tea").toString() // "undefined"
   */
  hidden?: boolean;
}

const OPTIONS: Readonly<Record<keyof HostClassOptions<unknown>, "function" | "object" | "other">> =
  {
    construct: "function",
    id: "function",
    finalize: "function",
    restore: "function",
    methods: "object",
    getters: "object",
    setters: "object",
    statics: "object",
    length: "other",
    hidden: "other",
  };

interface Member {
  /** Its name among the host functions. */
  readonly own: string;
  /** Its name in the guest. */
  readonly shown: string;
  readonly flags: number;
  readonly callback: HostFunction;
}

/** An object of a class that the host knows. */
interface Instance {
  readonly of: HostClass<unknown>;
  readonly data: unknown;
  readonly id: bigint;
}

function checkOptions(options: unknown): asserts options is HostClassOptions<unknown> {
  if (typeof options !== "object" || options === null) {
    throw new MisuseError(`the options of a class are an object, not ${describeHost(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    const type = OPTIONS[name as keyof typeof OPTIONS];
    if (!Object.hasOwn(OPTIONS, name)) {
      const known = Object.keys(OPTIONS).join(", ");
      throw new MisuseError(`a class has no option '${name}'; there are ${known}`);
    }
    if (value !== undefined && type !== "other" && (typeof value !== type || value === null)) {
      throw new MisuseError(
        `the option '${name}' of a class is ${type === "object" ? "an object" : "a function"}`,
      );
    }
  }
  const { length = 0 } = options as HostClassOptions<unknown>;
  if (!Number.isInteger(length) || length < 0 || length > 0x7fffffff) {
    throw new MisuseError("the length of a class is a whole number from 0");
  }
}

function idOf({ id }: HostClassOptions<unknown>, data: unknown): bigint {
  const given = id === undefined ? 0n : id(data);
  if (typeof given === "bigint" || Number.isSafeInteger(given)) {
    return BigInt.asUintN(64, BigInt(given));
  }
  throw new MisuseError(
    `the id of an object is a bigint or a whole number, not ${describeHost(given)}`,
  );
}

/** The data of an object that slept. */
function restore({ name, _options }: HostClass<unknown>, id: bigint): unknown {
  if (_options.restore !== undefined) return _options.restore(id);
  const lost = new Error(
    `what the host had for this object of class '${name}' is lost since the program slept or ` +
      "moved: the class has no 'restore'",
  );
  lost.name = "LostError";
  throw lost;
}

/** What a constructor answers: not a value. */
export class InstanceId {
  readonly id: bigint;

  constructor(id: bigint) {
    this.id = id;
  }
}

/**
 * A class of the host's in a VM, as `vm.newClass` gives it.
 *
 * ```js
 * const Point = vm.newClass("Point", {
 *   construct: (x, y) => ({ x: x.toNumber(), y: y.toNumber() }),
 *   methods: { length: (point) => Math.hypot(point.x, point.y) },
 *   getters: { x: (point) => point.x },
 * });
 * console.log(vm.evalCode("new Point(3, 4).length()").toNumber()); // 5
 * console.log(Point.dataOf(vm.evalCode("new Point(1, 2)"))); // { x: 1, y: 2 }
 * ```
 */
export class HostClass<T> {
  /**
   * Its name, as `newClass` got it.
   * @example vm.newClass("Tea").name // "Tea"
   */
  readonly name: string;
  /**
   * The constructor, which is the caller's.
   * @example vm.newClass("Tea").handle.typeof // "function"
   */
  readonly handle: JSValueHandle;
  /** @internal */
  readonly _options: HostClassOptions<T>;
  private readonly classes: HostClasses;
  private readonly number: number;

  /** @internal */
  constructor(
    classes: HostClasses,
    name: string,
    options: HostClassOptions<T>,
    handle: JSValueHandle,
    number: number,
  ) {
    this.classes = classes;
    this.name = name;
    this._options = options;
    this.handle = handle;
    this.number = number;
  }

  /**
   * A new object, as if the constructor had given `data`.
   * @example vm.newClass("Tea").newInstance("green").className // "Object"
   */
  newInstance(data: T): JSValueHandle {
    return this.classes.newInstance(this as HostClass<unknown>, this.number, data);
  }

  /**
   * The data of an object of the class.
   * @example vm.newClass("Tea").newInstance("green").consume((tea) => tea.isObject) // true
   */
  dataOf(object: JSValueHandle): T {
    return this.classes.dataOf(this as HostClass<unknown>, object) as T;
  }

  /**
   * The data of all objects of the class that live, in no order; of those that slept it is
   * restored.
   * @example vm.newClass("Tea").instances() // []
   */
  instances(): T[] {
    return this.classes.instances(this as HostClass<unknown>, this.number) as T[];
  }
}

/** So many objects are gone before it is worth telling of them within a call. */
const GONE_MANY = 256;

/** The classes of a VM, and their objects. */
export class HostClasses {
  private readonly core: Core;
  private readonly functions: HostFunctions;
  private readonly byName = new Map<string, HostClass<unknown>>();
  /** By serial, in the order in which the host came to know them. */
  private readonly objects = new Map<number, Instance>();

  constructor(core: Core, functions: HostFunctions) {
    this.core = core;
    this.functions = functions;
    functions.collected = (serial) => this.collected(serial);
  }

  // ---- Making ---------------------------------------------------------------

  make<T>(name: string, options: HostClassOptions<T>): HostClass<T> {
    const { core, functions } = this;
    core.begin();
    checkName(name);
    checkOptions(options);
    if (this.byName.has(name)) {
      throw new ExistsError(`this VM has the class '${name}' already`);
    }
    const members = this.membersOf(name, options as HostClassOptions<unknown>);
    const bound: string[] = [];
    try {
      for (const { own, callback } of members) {
        if (bound.includes(own)) throw new MisuseError(`the class has two members '${own}'`);
        functions.bind(own, callback);
        bound.push(own);
      }
      const made = this.build(name, options as HostClassOptions<unknown>, members);
      this.byName.set(name, made);
      return made as HostClass<unknown> as HostClass<T>;
    } catch (error) {
      for (const own of bound) functions.unbind(own);
      throw error;
    }
  }

  /** The first is the constructor. */
  private membersOf(name: string, options: HostClassOptions<unknown>): Member[] {
    const found: Member[] = [
      { own: name, shown: "", flags: 0, callback: this.constructorOf(name, options) },
    ];
    const add = (
      list: Readonly<Record<string, HostMember<unknown> | HostFunction>> | undefined,
      before: string,
      flags: number,
      wrap: (member: never) => HostFunction,
    ) => {
      for (const [shown, member] of Object.entries(list ?? {})) {
        if (typeof member !== "function") {
          throw new MisuseError(`the member '${shown}' of a class is a function`);
        }
        found.push({
          own: `${name}.${before}${shown}`,
          shown,
          flags,
          callback: wrap(member as never),
        });
      }
    };
    const method = (member: HostMember<unknown>) => this.methodOf(name, member);
    add(options.methods, "", 0, method);
    add(options.getters, "get ", FUNCTION_GETTER, method);
    add(options.setters, "set ", FUNCTION_SETTER, method);
    add(options.statics, "static ", FUNCTION_STATIC, (member: HostFunction) => member);
    return found;
  }

  /** The guest's side, which is there already in a VM that slept. */
  private build(
    name: string,
    options: HostClassOptions<unknown>,
    [, ...members]: readonly Member[],
  ): HostClass<unknown> {
    const { core, functions } = this;
    const mark = core.mark();
    const text = core.put(name);
    const length = options.length ?? 0;
    const status = core.enter(() =>
      core.exports.torpor_class_make(text.address, text.size, length)
    );
    const number = core.instance.integer(1);
    const isThere = core.instance.integer(2) === 1;
    const handle = core.made(status);
    core.end(mark);
    if (!isThere) {
      for (const { own, shown, flags } of members) {
        functions.makeNamed(own, shown, { flags, class: number + 1 }).dispose();
      }
      const isGlobal = options.hidden === true ? 0 : 1;
      core.check(core.enter(() => core.exports.torpor_class_finish(number, isGlobal)));
    }
    return new HostClass(this, name, options, handle, number);
  }

  // ---- Calls ------------------------------------------------------------------

  private constructorOf(name: string, options: HostClassOptions<unknown>): HostFunction {
    const { core } = this;
    const classes = this;
    const construct = function (this: JSValueHandle, ...args: JSValueHandle[]): InstanceId {
      const serial = core.serial;
      const of = classes.named(name);
      if (serial === 0) throw new TypeError("a class was called as a function");
      if (options.construct === undefined) {
        throw new TypeError("objects of this class are made by the host only");
      }
      const data = options.construct.apply(this, args);
      const id = idOf(options, data);
      classes.objects.set(serial, { of, data, id });
      classes.tellMany();
      return new InstanceId(id);
    };
    return construct as unknown as HostFunction;
  }

  private methodOf(name: string, member: HostMember<unknown>): HostFunction {
    const { core } = this;
    const classes = this;
    return function (...args) {
      const serial = core.serial;
      if (serial === 0) {
        throw new TypeError("a method of a class was called without an object of it");
      }
      const found = classes.objects.get(serial) ?? classes.attach(this);
      if (found.of !== classes.named(name)) throw new TypeError("an object of another class");
      return member.call(this, found.data, ...args);
    };
  }

  private named(name: string): HostClass<unknown> {
    return this.byName.get(name)!;
  }

  // ---- Objects ----------------------------------------------------------------

  newInstance(of: HostClass<unknown>, number: number, data: unknown): JSValueHandle {
    const { core } = this;
    core.begin();
    const id = idOf(of._options, data);
    const status = core.enter(() => core.exports.torpor_instance_make(id, number));
    const serial = core.instance.integer(1);
    const handle = core.made(status);
    this.objects.set(serial, { of, data, id });
    return handle;
  }

  dataOf(of: HostClass<unknown>, object: JSValueHandle): unknown {
    const found = this.attach(object);
    if (found.of !== of) {
      throw new WrongTypeError(`the value is not an object of the class '${of.name}'`);
    }
    return found.data;
  }

  /** What the host has for an object, which it may have to make anew. */
  private attach(object: JSValueHandle): Instance {
    const { core } = this;
    core.begin();
    const bits = core.bits(object);
    const status = core.enter(() => core.exports.torpor_instance_read(bits));
    if (status === Status.WRONG_TYPE) {
      throw new WrongTypeError("the value is not an object of a class of the host's");
    }
    core.check(status);
    const serial = core.instance.integer(0);
    const id = core.instance.u64[(core.instance.result >>> 1) + 1]!;
    const name = this.functions.nameOf(core.instance.integer(2)) ?? "";
    const known = this.objects.get(serial);
    if (known !== undefined) return known;
    const of = this.byName.get(name);
    if (of === undefined) {
      throw new NotFoundError(`the class '${name}' is not bound on this host; see vm.newClass`);
    }
    const found = { of, data: restore(of, id), id };
    this.objects.set(serial, found);
    return found;
  }

  instances(of: HostClass<unknown>, number: number): unknown[] {
    const { core } = this;
    core.begin();
    const status = core.enter(() => core.exports.torpor_instance_list(number));
    const count = core.instance.integer(1);
    const list = core.made(status);
    try {
      const found: unknown[] = [];
      for (let i = 0; i < count; i++) {
        found.push(list.getProp(i).consume((object) => this.dataOf(of, object)));
      }
      return found;
    } finally {
      list.dispose();
    }
  }

  // ---- Their end ----------------------------------------------------------------

  /** At the end of a call into the VM. */
  tell(): void {
    const { core, functions } = this;
    const areGone = this.objects.size !== 0 && core.word(HOST_CANCELLED + 4) !== 0;
    if (areGone || functions.gone.length !== 0) functions.takeCollected();
  }

  /** At the end of a constructor: not all that one call makes is kept until that ends. */
  private tellMany(): void {
    const { core, functions } = this;
    // No host function is below, so none knows what is gone.
    if (core.instance.depth !== 1 || core.instance.broken !== null || core.disposed) return;
    if (core.word(HOST_CANCELLED + 4) + functions.gone.length < GONE_MANY) return;
    core.begin();
    functions.takeCollected(true);
  }

  private collected(serial: number): void {
    const found = this.objects.get(serial);
    if (found === undefined) return;
    this.objects.delete(serial);
    try {
      found.of._options.finalize?.(found.data, found.id);
    } catch (error) {
      this.core.report(error);
    }
  }

  /** The VM has ended. */
  end(): void {
    for (const serial of [...this.objects.keys()].reverse()) this.collected(serial);
    this.byName.clear();
  }
}
