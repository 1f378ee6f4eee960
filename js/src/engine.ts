// SPDX-License-Identifier: MIT
//
// engine.ts - an engine: the compiled module, its id, and its baseline.
//
// The engine id is the SHA-256 of the engine's file, and every snapshot names
// it. It is made when it is asked for: a program that only runs code never does.
// Of a module that was compiled elsewhere the file is not at hand: such a module
// is known by the fingerprint in its section "torpor" (docs/engine.md), which
// must be that of the engine in this package.
//
// What an engine is, is found out with an instance of it, which the first VM gets.
//
// The baseline is the memory of an instance that has just been made. It ends at
// its last byte that is not zero, or with the control block, rounded up to
// 4,096. It is that of a further instance, made when it is asked for: a program
// that runs a VM until its own end never does.

import {
  ABI_VERSION,
  CONTROL_FUNCTION_COUNT,
  CONTROL_SIZE,
  CONTROL_STACK_SIZE,
  CONTROL_VERSION,
  EXPORT_NAMES,
} from "./abi.js";
import { ENGINE_FINGERPRINT, ENGINE_ID } from "./engine-id.js";
import {
  EngineError,
  FormatError,
  IoError,
  MisuseError,
  NewerError,
  OutOfMemoryError,
} from "./errors.js";
import { fromHex, toHex } from "./format/hex.js";
import { sha256, sha256Of } from "./format/sha256.js";
import { importNames, Instance, instantiate, type Made } from "./instance.js";
import { fetchUrl, loadPackageFile } from "./package-file.js";
import { type Part, partsOf } from "./reset.js";

/** What an engine may be given as. */
export type EngineSource =
  | BufferSource
  | WebAssembly.Module
  | Response
  | URL
  | string;

/** An engine, ready to make VMs. */
export class Engine {
  readonly module: WebAssembly.Module;
  private knownId: Uint8Array | (() => Uint8Array);
  /** The first instance, until a VM has it. */
  private first: Made | undefined;
  private baselineOnce: Uint8Array<ArrayBuffer> | undefined;
  private partsOnce: readonly Part[] | undefined;
  readonly control: number;
  readonly stackSize: number;
  readonly stackPointer: number;
  readonly tableSize: number;
  /** How many host functions the engine's own library has. */
  readonly functionCount: number;
  /** Whether it is of an earlier release, and lacks some exports. */
  readonly isOlder: boolean;
  /** Initial size of memory, in pages of 65,536 bytes. */
  readonly pages: number;
  /** Instances that wait to be used again (pool.ts). */
  readonly idle: Instance[] = [];

  /** `id`: or what gives it, once it is needed. */
  constructor(module: WebAssembly.Module, id: Uint8Array | (() => Uint8Array)) {
    const others = foreignImports(module);
    const made = tryInstantiate(module, others);
    const probe = probeInstance(made);
    this.module = module;
    this.first = made;
    this.knownId = id;
    this.isOlder = EXPORT_NAMES.some((name) => !probe.names.has(name));
    this.control = probe.control;
    this.stackPointer = probe.stackPointer;
    this.tableSize = probe.tableSize;
    this.pages = probe.memory.length / 65536;
    const view = new DataView(probe.memory.buffer);
    const version = view.getUint32(this.control + CONTROL_VERSION, true);
    if (version === 0) throw new EngineError(NOT_ENGINE);
    if (version > ABI_VERSION) {
      throw new NewerError(
        `this engine has version ${version} of the guest interface; this package knows ${ABI_VERSION}: use a newer torpor-vm`,
      );
    }
    this.stackSize = view.getUint32(this.control + CONTROL_STACK_SIZE, true);
    if (this.stackSize > this.control || others.length > 0) throw new EngineError(NOT_ENGINE);
    this.functionCount = view.getUint32(this.control + CONTROL_FUNCTION_COUNT, true);
  }

  /** 32 bytes: the SHA-256 of the engine's file. */
  get id(): Uint8Array {
    if (typeof this.knownId === "function") this.knownId = this.knownId();
    return this.knownId;
  }

  get idHex(): string {
    return toHex(this.id);
  }

  /** Fails where the host has no memory for one more. */
  newInstance(): Instance {
    const { first } = this;
    this.first = undefined;
    return new Instance(this, first ?? instantiateAgain(this.module));
  }

  /** Memory of a new instance, from 0 on. Fails as `newInstance`, at first. */
  get baseline(): Uint8Array<ArrayBuffer> {
    if (this.baselineOnce === undefined) {
      const { exports } = instantiateAgain(this.module);
      const { buffer } = exports["memory"] as WebAssembly.Memory;
      const memory = new Uint8Array(buffer as ArrayBuffer);
      this.baselineOnce = cutBaseline(memory, this.control + CONTROL_SIZE);
    }
    return this.baselineOnce;
  }

  /** What a reset does with it. */
  get parts(): readonly Part[] {
    return (this.partsOnce ??= partsOf(this.baseline, this.stackSize));
  }
}

interface Probe {
  names: ReadonlySet<string>;
  control: number;
  stackPointer: number;
  tableSize: number;
  memory: Uint8Array<ArrayBuffer>;
}

const PAGE = 4096;
const NOT_ENGINE =
  "this WebAssembly module is not a Torpor engine; give the engine.wasm of torpor-vm";

// What a host cannot do without. An older engine may lack others (instance.ts).
const NEEDED = ["torpor_open", "torpor_wake", "torpor_allocate", "torpor_release"];
const MEMORY_LARGEST = 256 << 20;

/** Looks at an instance of what may be any module at all. */
function probeInstance({ exports }: Made): Probe {
  const { memory, torpor_control, __stack_pointer, __indirect_function_table } = exports;
  if (
    !(memory instanceof WebAssembly.Memory) ||
    !(torpor_control instanceof WebAssembly.Global) ||
    !(__stack_pointer instanceof WebAssembly.Global) ||
    !(__indirect_function_table instanceof WebAssembly.Table) ||
    NEEDED.some((name) => typeof exports[name] !== "function")
  ) {
    throw new EngineError(NOT_ENGINE);
  }
  const { buffer } = memory;
  const [control, stackPointer] = [torpor_control.value, __stack_pointer.value] as unknown[];
  if (
    !(buffer instanceof ArrayBuffer) || buffer.byteLength > MEMORY_LARGEST ||
    !isAddress(control, buffer.byteLength - CONTROL_SIZE) || control % 8 !== 0 ||
    !isAddress(stackPointer, buffer.byteLength) || !isSettable(__stack_pointer)
  ) {
    throw new EngineError(NOT_ENGINE);
  }
  const tableSize = __indirect_function_table.length;
  const names = new Set(
    Object.keys(exports).filter((name) => typeof exports[name] === "function"),
  );
  return { names, control, stackPointer, tableSize, memory: new Uint8Array(buffer) };
}

function isAddress(value: unknown, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
}

function isSettable(global: WebAssembly.Global): boolean {
  try {
    global.value = global.value;
    return true;
  } catch {
    return false;
  }
}

/** Names of what it imports and this package does not know: a newer engine may. */
function foreignImports(module: WebAssembly.Module): string[] {
  const imports = WebAssembly.Module.imports(module);
  if (imports.some(({ module: from, kind }) => from !== "torpor" || kind !== "function")) {
    throw new EngineError(NOT_ENGINE);
  }
  const known = importNames();
  return imports.map(({ name }) => name).filter((name) => !known.includes(name));
}

function tryInstantiate(module: WebAssembly.Module, others: readonly string[]): Made {
  try {
    return instantiate(module, others);
  } catch (error) {
    if (error instanceof RangeError) throw lackOfMemory(error);
    throw new EngineError(NOT_ENGINE, { cause: error });
  }
}

/** Of a module that was instantiated before. */
function instantiateAgain(module: WebAssembly.Module): Made {
  try {
    return instantiate(module);
  } catch (error) {
    if (error instanceof RangeError || error instanceof WebAssembly.RuntimeError) {
      throw lackOfMemory(error);
    }
    throw error;
  }
}

function lackOfMemory(cause: unknown): OutOfMemoryError {
  return new OutOfMemoryError("the host has no memory for another VM; dispose of some", { cause });
}

/** Of the memory of an instance that nobody will enter. */
function cutBaseline(
  memory: Uint8Array<ArrayBuffer>,
  least: number,
): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(memory.buffer);
  let end = words.length;
  while (end * 4 > least && words[end - 1] === 0) end--;
  return memory.subarray(0, Math.ceil((end * 4) / PAGE) * PAGE);
}

// ---- Loading ----------------------------------------------------------------

// What was loaded already, by what it was given as. Bytes that a program
// changes after giving them are its own affair: they were compiled.
const known = new WeakMap<object, Promise<Engine>>();
let own: Promise<Engine> | undefined;

/** The engine that `source` is; that of this package without one. */
export function loadEngine(
  source?: EngineSource | Promise<EngineSource>,
): Promise<Engine> {
  if (source === undefined) {
    own ??= loadPackageFile("engine.wasm").then(fromLoaded);
    own.catch(() => (own = undefined));
    return own;
  }
  if (typeof source === "string" || source instanceof URL) {
    return fetchEngine(source).then(fromLoaded);
  }
  if (typeof source !== "object" || source === null) {
    return Promise.reject(
      new MisuseError(
        "the option 'wasm' is bytes, a WebAssembly.Module, a URL, a Response, or a promise of one",
      ),
    );
  }
  let engine = known.get(source);
  if (!engine) {
    engine = Promise.resolve(source).then((given) =>
      given === source ? fromGiven(given) : loadEngine(given)
    );
    known.set(source, engine);
    engine.catch(() => known.delete(source));
  }
  return engine;
}

/** What is at a URL. */
async function fetchEngine(url: string | URL): Promise<Uint8Array<ArrayBuffer> | Response> {
  try {
    return await fetchUrl(url);
  } catch (error) {
    throw new IoError(`the engine could not be loaded from ${url}`, { cause: error });
  }
}

async function fromGiven(given: unknown): Promise<Engine> {
  if (given instanceof WebAssembly.Module) return fromModule(given);
  if (given instanceof ArrayBuffer) return fromBytes(new Uint8Array(given));
  if (ArrayBuffer.isView(given)) {
    return fromBytes(
      new Uint8Array(given.buffer as ArrayBuffer, given.byteOffset, given.byteLength),
    );
  }
  // Last, since Node loads all of its fetch where Response is named.
  if (typeof Response !== "undefined" && given instanceof Response) return fromLoaded(given);
  throw new MisuseError(
    "the option 'wasm' is bytes, a WebAssembly.Module, a URL, a Response, or a promise of one",
  );
}

/** An engine of bytes that the program may change. */
async function fromBytes(bytes: Uint8Array<ArrayBuffer>): Promise<Engine> {
  const id = await sha256Of(bytes);
  return new Engine(await compile(bytes), id);
}

/** An engine of what nobody else has. */
async function fromLoaded(given: Uint8Array<ArrayBuffer> | Response): Promise<Engine> {
  if (given instanceof Uint8Array) return new Engine(await compile(given), () => sha256(given));
  if (given.ok) return fromLoaded(new Uint8Array(await given.arrayBuffer()));
  throw new IoError(`the engine could not be loaded: ${given.url} answered ${given.status}`);
}

async function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw new FormatError(
      "these bytes are not a WebAssembly module; give the engine.wasm of torpor-vm",
      { cause: error },
    );
  }
}

function fromModule(module: WebAssembly.Module): Engine {
  const [section] = WebAssembly.Module.customSections(module, "torpor");
  if (!section) throw new EngineError(NOT_ENGINE);
  if (toHex(new Uint8Array(section)) !== ENGINE_FINGERPRINT) {
    throw new EngineError(
      "this module is another engine than that of this package; give its bytes, so that its id can be found",
    );
  }
  return new Engine(module, fromHex(ENGINE_ID));
}
