// SPDX-License-Identifier: MIT
//
// extension.ts - native extensions as programs give them: C code, compiled to a
// WebAssembly side module, that adds classes and globals inside of VMs.
//
// Bytes are compiled once in a process, whatever they were given as: an extension
// is known by its hash, the SHA-256 of its file, by which snapshots name it too.

import { EXTENSION_INTERFACE } from "./abi.js";
import { ExtensionError, IoError, MisuseError } from "./errors.js";
import { UnfitError } from "./extension-bytes.js";
import { readSideModule, type SideModule } from "./extension-module.js";
import { toHex } from "./format/hex.js";
import { sha256Of } from "./format/sha256.js";
import { describeHost } from "./host-value.js";
import { fetchUrl } from "./package-file.js";

/** What the module of an extension may be given as. */
export type ExtensionBytes = BufferSource | Response | URL | string;

/** A native extension, as the option `extensions` takes it. */
export interface ExtensionOptions {
  /** Its name. May be left out where the module says its own. */
  name?: string;
  /** The bytes of its module, a URL, a Response, or a promise of one. */
  wasm: ExtensionBytes | Promise<ExtensionBytes>;
  /** Its init function; `qjs_ext_NAME_init` if left out, with `_` for `-`. */
  initFn?: string;
  /**
   * Load it though its loops do not poll: limits on time and fuel do not end them. What `torpor
   * extension build` makes polls, unless it was told otherwise.
   */
  uninstrumented?: boolean;
}

/** A module that was found good, compiled. */
export interface Extension {
  /** The SHA-256 of its file. */
  readonly hash: Uint8Array;
  /** The file: what takes a VM elsewhere takes it along. */
  readonly bytes: Uint8Array;
  readonly side: SideModule;
  readonly module: WebAssembly.Module;
}

/** An extension and how it is to be loaded. */
export interface GivenExtension {
  readonly name: string;
  readonly extension: Extension;
  readonly initFn: string;
}

// ---- Bytes --------------------------------------------------------------------

const NAME = /^[A-Za-z0-9_-]{1,63}$/;
const TAKES =
  "the 'wasm' of an extension is bytes of its module, a URL, a Response, or a promise of one";

async function bytesOf(given: unknown, name: string): Promise<Uint8Array<ArrayBuffer>> {
  if (given instanceof ArrayBuffer) return new Uint8Array(given.slice(0));
  if (ArrayBuffer.isView(given)) {
    return new Uint8Array(given.buffer, given.byteOffset, given.byteLength).slice();
  }
  if (typeof given === "string" || given instanceof URL) return bytesAt(given, name);
  if (typeof Response !== "undefined" && given instanceof Response) {
    if (!given.ok) {
      throw new IoError(`${name} could not be loaded: ${given.url} answered ${given.status}`);
    }
    return new Uint8Array(await given.arrayBuffer());
  }
  if (given instanceof WebAssembly.Module) {
    throw new MisuseError(
      `${name} was given as a WebAssembly.Module; give the bytes it was compiled from, since their ` +
        "hash is how snapshots name it and their code is checked first: they are compiled only once",
    );
  }
  throw new MisuseError(TAKES);
}

async function bytesAt(url: string | URL, name: string): Promise<Uint8Array<ArrayBuffer>> {
  let found: Uint8Array<ArrayBuffer> | Response;
  try {
    found = await fetchUrl(url);
  } catch (error) {
    throw new IoError(`${name} could not be loaded from ${url}`, { cause: error });
  }
  return bytesOf(found, name);
}

// ---- Compiling ----------------------------------------------------------------

// By hash. What was not used for the longest time is given up first.
const compiled = new Map<string, Promise<Extension>>();
const COMPILED_MOST = 64;
// By what they were given as: bytes that a program changes after giving them are
// its own affair.
const known = new WeakMap<object, Promise<Extension>>();

async function compile(bytes: Uint8Array<ArrayBuffer>, hash: Uint8Array): Promise<Extension> {
  const side = readSideModule(bytes);
  try {
    return { hash, bytes, side, module: await WebAssembly.compile(side.code) };
  } catch (error) {
    throw new UnfitError("does not compile here; build it anew with 'torpor extension build'", {
      cause: error,
    });
  }
}

async function extensionOf(bytes: Uint8Array<ArrayBuffer>): Promise<Extension> {
  const hash = await sha256Of(bytes);
  const key = toHex(hash);
  let found = compiled.get(key);
  if (found === undefined) {
    found = compile(bytes, hash);
    found.catch(() => compiled.delete(key));
  }
  compiled.delete(key);
  compiled.set(key, found);
  if (compiled.size > COMPILED_MOST) {
    for (const oldest of compiled.keys()) {
      compiled.delete(oldest);
      break;
    }
  }
  return found;
}

function load(source: unknown, name: string): Promise<Extension> {
  const isKey = typeof source === "object" && source !== null;
  let found = isKey ? known.get(source) : undefined;
  if (found === undefined) {
    found = Promise.resolve(source).then((given) => bytesOf(given, name)).then(extensionOf);
    if (isKey) {
      known.set(source, found);
      found.catch(() => known.delete(source));
    }
  }
  return found;
}

// ---- The option ------------------------------------------------------------------

/** Checks the option `extensions` as far as that takes no time. */
export function checkExtensions(given: unknown): void {
  if (given === undefined) return;
  if (!Array.isArray(given)) throw new MisuseError("the option 'extensions' is an array");
  for (const options of given as readonly Partial<ExtensionOptions>[]) checkOptions(options);
}

function checkOptions(options: Partial<ExtensionOptions>): void {
  if (typeof options !== "object" || options === null || !("wasm" in options)) {
    throw new MisuseError(
      `an extension is given as { name, wasm, initFn? }, not ${describeHost(options)}`,
    );
  }
  const { name, initFn } = options;
  if (name !== undefined && (typeof name !== "string" || !NAME.test(name))) {
    throw new MisuseError("the name of an extension is letters, digits, '-' and '_', at most 63");
  }
  if (initFn !== undefined && typeof initFn !== "string") {
    throw new MisuseError("'initFn' is the name of an extension's init function");
  }
}

/** "the extension 'x'" */
export function labelOf(name: string | undefined): string {
  return name === undefined ? "the extension" : `the extension '${name}'`;
}

export function refuseExtension(name: string | undefined, why: string, cause?: unknown): never {
  const options = cause === undefined ? undefined : { cause };
  throw new ExtensionError(`${labelOf(name)} ${why}`, options, name);
}

/** Compiles an extension, and makes of the options what they mean. */
export async function takeExtension(
  options: ExtensionOptions,
  isLenient = false,
): Promise<GivenExtension> {
  checkOptions(options);
  const label = labelOf(options.name);
  let extension: Extension;
  try {
    extension = await load(options.wasm, label);
  } catch (error) {
    if (error instanceof UnfitError) refuseExtension(options.name, error.message, error.cause);
    throw error;
  }
  return settle(options, extension, isLenient);
}

function settle(
  options: ExtensionOptions,
  extension: Extension,
  isLenient: boolean,
): GivenExtension {
  const { side } = extension;
  const name = options.name ?? side.name;
  if (name === undefined) {
    throw new MisuseError("this extension does not say its name; give it: { name, wasm }");
  }
  if (side.name !== undefined && side.name !== name) {
    refuseExtension(name, `is another one: its module calls itself '${side.name}'; give that name`);
  }
  if (side.interface > EXTENSION_INTERFACE) {
    refuseExtension(
      name,
      `is made for version ${side.interface} of the interface, this torpor-vm has ${EXTENSION_INTERFACE}; use a newer one`,
    );
  }
  if (!side.isInstrumented && options.uninstrumented !== true && !isLenient) {
    refuseExtension(
      name,
      "is not instrumented, so that limits on time and fuel do not hold inside of it; " +
        "build it with 'torpor extension build', or give { uninstrumented: true }",
    );
  }
  return { name, extension, initFn: initOf(name, options.initFn, side) };
}

/** The init function of an extension, unless it is given another. */
export function usualInit(name: string): string {
  return `qjs_ext_${name.replaceAll("-", "_")}_init`;
}

function initOf(name: string, given: string | undefined, side: SideModule): string {
  const initFn = given ?? usualInit(name);
  const type = side.exports.get(initFn);
  if (type === undefined) refuseExtension(name, `has no function '${initFn}'; see 'initFn'`);
  requireType(name, initFn, type, "(i32, i32) -> i32");
  for (const own of ["__wasm_apply_data_relocs", "__wasm_call_ctors"]) {
    requireType(name, own, side.exports.get(own) ?? NO_TYPE, NO_TYPE);
  }
  return initFn;
}

const NO_TYPE = "() -> nothing";

function requireType(name: string, fn: string, type: string, wanted: string): void {
  if (type !== wanted) {
    refuseExtension(name, `has a function '${fn}' of type ${type}, not ${wanted}`);
  }
}

/** The option `extensions`, compiled. */
export function takeExtensions(
  given: readonly ExtensionOptions[] | undefined,
  isLenient = false,
): Promise<GivenExtension[]> {
  checkExtensions(given);
  return Promise.all((given ?? []).map((options) => takeExtension(options, isLenient)));
}
