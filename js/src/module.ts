// SPDX-License-Identifier: MIT
//
// module.ts - where the modules of a VM come from: what the option
// `moduleLoader` answers, now or later.
//
// A source that comes later is an operation of kind "module" in the guest, which
// may sleep meanwhile: after a restore the loader is asked again. Names cannot
// come later inside the engine. So `evalModule` notes what `normalize` promised,
// waits, and evaluates anew, with the names that are known by then.
//
//  (1) A module is evaluated anew only because a name of its graph was missing:
//      of what it imports, and of what that imports in turn. Then nothing of it
//      has run. A name that code asks for, by import(), is needed at once.

import { LATER, SOURCE_LIBRARY, Status } from "./abi.js";
import type { Core } from "./core.js";
import type { JSValueHandle } from "./handle.js";
import { describeHost } from "./host-value.js";
import { LIBRARY } from "./library.js";
import { ExistsError, MisuseError, WrongTypeError } from "./errors.js";
import type { ModuleKind } from "./options.js";
import type { Operation, Outcomes } from "./operation.js";
import type { PromiseResult } from "./promise.js";

const KINDS: readonly ModuleKind[] = ["javascript", "json", "text", "bytes"];
const encoder = new TextEncoder();

type Source = string | Uint8Array;

/** One evaluation of a module by `evalModule`. */
interface Attempt {
  readonly file: string;
  /** The modules that it imports itself. */
  readonly imports: Set<string>;
  /** Names that come later, and who imports them; undefined: it does itself. */
  readonly promised: { importer: string | undefined; name: Promise<void> }[];
}

const NAME_LARGEST = 255;

function checkName(name: string): void {
  const size = typeof name === "string" ? encoder.encode(name).length : 0;
  if (size > 0 && size <= NAME_LARGEST && !name.startsWith("torpor:") && !name.includes("\0")) {
    return;
  }
  throw new MisuseError(
    `the name of a module is a string of 1 to ${NAME_LARGEST} bytes without zeros that does not ` +
      `begin with "torpor:", not ${describeHost(name)}`,
  );
}

/** Makes the properties of an object the exports of a module. */
export function newModule(core: Core, name: string, exports: JSValueHandle): void {
  core.begin();
  checkName(name);
  const bits = core.bits(exports);
  const mark = core.mark();
  const { address, size } = core.put(name);
  const status = core.enter(() => core.exports.torpor_module_new(address, size, bits));
  core.end(mark);
  if (status === Status.EXISTS) throw new ExistsError(`there is a module '${name}' already`);
  if (status === Status.WRONG_TYPE) {
    throw new WrongTypeError("a module is made of an object that is no proxy");
  }
  core.check(status);
}

export class Modules {
  private readonly core: Core;
  /** Sources that come later, by what was asked for. */
  private readonly coming = new Map<string, Promise<Source>>();
  /** Names that `normalize` gave, by importer and specifier. */
  private readonly names = new Map<string, string>();
  /** What the modules that were loaded import, by the names that `normalize` gave. */
  private readonly imports = new Map<string, Set<string>>();
  private readonly attempts = new Set<Attempt>();
  /** The one whose module is being compiled. */
  private compiling: Attempt | null = null;

  constructor(core: Core) {
    this.core = core;
  }

  // ---- Asked by the guest -----------------------------------------------------

  /** Import "source" of guest/abi.h. */
  source(name: number, size: number, type: number, importer: number, importerSize: number): number {
    const { core } = this;
    const loader = core.settings.options.moduleLoader;
    core.instance.look();
    const asked = this.text(name, size);
    const from = this.text(importer, importerSize);
    if (type === SOURCE_LIBRARY) {
      const file = LIBRARY.get(asked);
      return file === undefined ? this.answer(Status.NOT_FOUND, "") : this.answerSource(file);
    }
    const kind = KINDS[type] ?? "javascript";
    if (loader === undefined) {
      return this.answer(
        Status.UNSUPPORTED,
        "this VM has no modules; give the option 'moduleLoader'",
      );
    }
    try {
      const given = loader.load(asked, kind, from);
      if (isPromise(given)) {
        this.expect(asked, kind, given);
        return LATER;
      }
      return this.answerSource(given);
    } catch (error) {
      return this.refuse(error);
    }
  }

  /** Import "resolve". */
  resolve(name: number, size: number, importer: number, importerSize: number): number {
    const { core } = this;
    const normalize = core.settings.options.moduleLoader?.normalize;
    core.instance.look();
    if (normalize === undefined) return this.answerText(null);
    const isImport = core.engine.isOlder || core.instance.integer(0) === 0;
    const specifier = this.text(name, size);
    const from = this.text(importer, importerSize);
    const key = `${from}\0${specifier}`;
    const known = this.names.get(key);
    if (known !== undefined) return this.answerName(isImport, from, known);
    try {
      const given = normalize.call(core.settings.options.moduleLoader, from, specifier);
      if (!isPromise(given)) return this.answerName(isImport, from, requireName(given));
      const name = given.then((found) => void this.names.set(key, requireName(found)));
      name.catch(() => {}); /* who waits for it is told */
      if (isImport) this.expectName(from, name);
      return this.answer(
        Status.UNSUPPORTED,
        isImport
          ? "moduleLoader.normalize gave a promise, for which only vm.evalModule waits"
          : "moduleLoader.normalize gave a promise, and import() and import.meta.resolve need a name at once",
      );
    } catch (error) {
      return this.refuse(error);
    }
  }

  private text(address: number, size: number): string {
    const { instance } = this.core;
    return instance.text(instance.range(address, size, "the name of a module"), size);
  }

  private refuse(error: unknown): number {
    if (this.core.instance.broken) throw this.core.instance.broken;
    const text = error instanceof Error
      ? `${error.message}`
      : typeof error === "string"
      ? error
      : `the module loader threw ${describeHost(error)}`;
    return this.answer(Status.NOT_FOUND, text);
  }

  private answer(status: number, text: string): number {
    this.hand(encoder.encode(text));
    return status;
  }

  private answerName(isImport: boolean, importer: string, name: string): number {
    if (isImport) this.importsOf(importer).add(name);
    return this.answerText(name);
  }

  private importsOf(importer: string): Set<string> {
    if (this.compiling?.file === importer) return this.compiling.imports;
    let imports = this.imports.get(importer);
    if (imports === undefined) this.imports.set(importer, imports = new Set());
    return imports;
  }

  private expectName(importer: string, name: Promise<void>): void {
    const { compiling } = this;
    if (compiling?.file === importer) {
      compiling.promised.push({ importer: undefined, name });
    } else {
      for (const { promised } of this.attempts) promised.push({ importer, name });
    }
  }

  private answerText(text: string | null): number {
    if (text !== null) return this.hand(encoder.encode(text));
    this.core.instance.setResult(0, 0n);
    this.core.instance.setResult(1, 0n);
    return Status.OK;
  }

  private answerSource(given: unknown): number {
    const source = requireSource(given);
    return this.hand(typeof source === "string" ? encoder.encode(source) : source);
  }

  private hand(bytes: Uint8Array): number {
    const { core } = this;
    const address = core.hand(bytes);
    core.instance.setResult(0, BigInt(address));
    core.instance.setResult(1, BigInt(address === 0 ? 0 : bytes.length));
    return address === 0 ? Status.LIMIT : Status.OK;
  }

  private expect(name: string, kind: ModuleKind, source: PromiseLike<Source>): void {
    const promise = Promise.resolve(source);
    promise.catch(() => {});
    this.coming.set(`${kind}\0${name}`, promise);
  }

  // ---- What comes later --------------------------------------------------------

  /** The driver of operations of kind "module". */
  readonly driver = (operation: Operation, settle: (outcome: Outcomes) => void): void => {
    const { name, type, importer } = operation.request as {
      name: string;
      type: ModuleKind;
      importer: string;
    };
    const key = `${type}\0${name}`;
    const coming = this.coming.get(key) ?? this.askAgain(name, type, importer);
    this.coming.delete(key);
    coming.then(
      (source) => settle({ value: requireSource(source) }),
      (error: unknown) => settle({ error }),
    ).catch((error: unknown) => settle({ error }));
  };

  private async askAgain(name: string, kind: ModuleKind, importer: string): Promise<Source> {
    const loader = this.core.settings.options.moduleLoader;
    if (loader === undefined) {
      throw new MisuseError(
        `the module '${name}' is waited for, and this VM has no option 'moduleLoader'`,
      );
    }
    return loader.load(name, kind, importer);
  }

  /**
   * Runs `evaluate` until no name is missing that was promised. It gives what it threw as `error`,
   * and begins by compiling the module of `file`.
   */
  async evaluate(file: string, evaluate: () => Promise<PromiseResult>): Promise<PromiseResult> {
    for (;;) {
      const attempt: Attempt = { file, imports: new Set(), promised: [] };
      this.attempts.add(attempt);
      try {
        const result = await this.compile(attempt, evaluate);
        if (result.error === undefined) return result;
        const missing = this.missing(attempt);
        if (missing.length === 0) return result;
        result.error.dispose();
        await Promise.all(missing);
      } finally {
        this.attempts.delete(attempt);
      }
    }
  }

  private compile<T>(attempt: Attempt, evaluate: () => T): T {
    const { compiling } = this;
    this.compiling = attempt;
    try {
      return evaluate();
    } finally {
      this.compiling = compiling;
    }
  }

  /** The names of its graph that were promised. */
  private missing({ imports, promised }: Attempt): Promise<void>[] {
    const graph = new Set(imports);
    for (const name of graph) {
      for (const other of this.imports.get(name) ?? []) graph.add(other);
    }
    return promised
      .filter(({ importer }) => importer === undefined || graph.has(importer))
      .map(({ name }) => name);
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null)?.then === "function";
}

function requireName(name: unknown): string {
  if (typeof name !== "string" || name === "" || name.length > 4096) {
    throw new MisuseError(
      `moduleLoader.normalize gives a name of 1 to 4,096 characters, not ${describeHost(name)}`,
    );
  }
  return name;
}

function requireSource(source: unknown): Source {
  if (typeof source === "string" || source instanceof Uint8Array) return source;
  throw new MisuseError(
    `moduleLoader.load gives a string or a Uint8Array, not ${describeHost(source)}`,
  );
}
