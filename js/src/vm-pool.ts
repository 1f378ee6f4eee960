// SPDX-License-Identifier: MIT
//
// vm-pool.ts - VMs that all start from one warm snapshot: a program that has
// loaded what it needs, once.
//
// A VM is made for each use and ended after it. Nothing of one use can be seen
// by the next: each starts from the snapshot's very bytes (pool.ts).

import { type Engine, loadEngine } from "./engine.js";
import { DisposedError, MisuseError } from "./errors.js";
import { type GivenExtension, takeExtensions } from "./extension.js";
import { type Options, settle, takeOptions } from "./options.js";
import { SHOW } from "./show.js";
import { Prepared, type Snapshot } from "./sleep.js";
import { QuickJS } from "./vm.js";

/** What the VMs of a pool start from, and the options of each. */
export interface PoolOptions extends Options {
  /**
   * What the VMs start from. Left out: a new VM in which `warm` has run.
   * @example (await VMPool.create({ snapshot: vm.snapshot() })).size // 0
   */
  snapshot?: Snapshot | Uint8Array | readonly (Snapshot | Uint8Array)[];
  /**
   * Prepares the VM that the snapshot is made of.
   * @example (await VMPool.create({ warm: async (vm) => vm.evalCode("1").dispose() })).size // 0
   */
  warm?: (vm: QuickJS) => void | Promise<void>;
}

/**
 * VMs from a warm snapshot.
 *
 * ```js
 * const pool = await VMPool.create({
 *   warm: (vm) => vm.evalCode("function double(n) { return 2 * n }").dispose(),
 * });
 * const answer = pool.run((vm) => vm.dump(vm.evalCode("double(21)"))); // 42
 * pool.dispose();
 * ```
 */
export class VMPool {
  private readonly prepared: Prepared;
  private readonly options: Options;
  private readonly live = new Set<QuickJS>();
  private ended = false;

  /**
   * A pool, once its VMs can start.
   * @example (await VMPool.create({ warm: (vm) => vm.evalCode("var n = 1").dispose() })).size // 0
   */
  static async create(options: PoolOptions = {}): Promise<VMPool> {
    const { snapshot, warm, ...rest } = options;
    if (warm !== undefined && typeof warm !== "function") {
      throw new MisuseError("the option 'warm' is a function");
    }
    const taken = takeOptions(rest);
    settle(taken);
    const engine = await loadEngine(taken.wasm);
    const extensions = await takeExtensions(taken.extensions);
    const base = snapshot ?? (await warmUp(engine, taken, extensions, warm));
    return new VMPool(await Prepared.load(base, engine, extensions, true), {
      reseed: true,
      clone: true,
      ...taken,
    });
  }

  private constructor(prepared: Prepared, options: Options) {
    this.prepared = prepared;
    this.options = options;
  }

  /**
   * A VM that is the caller's to dispose of. Other options than the pool's may be given for it.
   * @example (await VMPool.create()).acquire().evalCode("6 * 7").toNumber() // 42
   */
  acquire(options: Options = {}): QuickJS {
    if (this.ended) throw new DisposedError("the pool was disposed of");
    if (options.extensions !== undefined) {
      throw new MisuseError("the VMs of a pool have its extensions; leave 'extensions' out");
    }
    const settings = settle({ ...this.options, ...options });
    const vm = QuickJS._wake(this.prepared.wake(settings.memoryMax), settings);
    this.live.add(vm);
    vm._core.ended = () => this.live.delete(vm);
    return vm;
  }

  /**
   * Runs `use` with a VM, and disposes of that afterwards; of an asynchronous one when its promise
   * has settled.
   * @example (await VMPool.create()).run((vm) => vm.dump(vm.evalCode("6 * 7"))) // 42
   */
  run<T>(use: (vm: QuickJS) => T, options?: Options): T {
    const vm = this.acquire(options);
    let result: T;
    try {
      result = use(vm);
    } catch (error) {
      vm.dispose();
      throw error;
    }
    if (result instanceof Promise) return result.finally(() => vm.dispose()) as T;
    vm.dispose();
    return result;
  }

  /**
   * How many of its VMs live.
   * @example await VMPool.create().then((pool) => (pool.acquire(), pool.size)) // 1
   */
  get size(): number {
    return this.live.size;
  }

  /**
   * Ends the pool and the VMs that are left.
   * @example (await VMPool.create()).dispose() // undefined
   */
  dispose(): void {
    this.ended = true;
    for (const vm of [...this.live]) vm.dispose();
  }

  /** The same, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal */
  [SHOW](): string {
    return this.ended ? "VMPool { <disposed> }" : `VMPool { ${this.size} live }`;
  }
}

async function warmUp(
  engine: Engine,
  options: Options,
  extensions: readonly GivenExtension[],
  warm: PoolOptions["warm"],
): Promise<Snapshot> {
  const vm = QuickJS._open(engine, settle(options), extensions);
  try {
    await warm?.(vm);
    vm.executePendingJobs();
    return vm.snapshot();
  } finally {
    vm.dispose();
  }
}
