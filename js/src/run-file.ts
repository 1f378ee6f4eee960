// SPDX-License-Identifier: MIT
//
// run-file.ts - a VM as a file that `torpor import` makes a durable run of:
// its snapshot with a section that says what the run is besides its VM
// (docs/durable-runs.md).
//
// A run is an ES module. Whoever drives it tells how it ends by the promise of
// that module, which is the first value that was exported in its VM.

import { INSPECT_WAITING } from "./abi.js";
import type { Core } from "./core.js";
import { writeCbor } from "./data/cbor-write.js";
import { MisuseError, NotFoundError } from "./errors.js";
import { attachRun } from "./format/attach.js";
import { reportOf } from "./inspect.js";
import type { Operation } from "./operation.js";
import { saveSnapshot } from "./snapshot.js";
import type { QuickJS } from "./vm.js";

/** What `vm.exportRun` writes down beside the VM. */
export interface RunOptions {
  /** The run's id: 1 to 64 letters, digits, ".", "_" or "-". `torpor import --id` may give another. */
  id: string;
  /** The name of the main module, as it was given to `evalCode`. */
  program: string;
  /** The source of each module by its name, for `import()` and for starting again from the beginning. */
  files: Readonly<Record<string, string>>;
  /** What `input()` of "torpor:run" gives. */
  input?: unknown;
}

const VERSION = 1;
/** The token of the main module's promise. */
const MAIN = 1;
const ID = /^[A-Za-z0-9._-]{1,64}$/;
const NAME_LARGEST = 4096;

/** How an operation goes on in a run, by its kind; what is not here is rejected as lost. */
const POLICIES = new Map([["timer", 0], ["file-read", 1], ["file-write", 1], ["signal", 2]]);

const encoder = new TextEncoder();

function checkName(name: unknown, what: string): void {
  if (
    typeof name !== "string" || name.includes("\0") || encoder.encode(name).length > NAME_LARGEST
  ) {
    throw new MisuseError(
      `${what} is a text of at most ${NAME_LARGEST} bytes without zero characters`,
    );
  }
}

function checkOptions(options: RunOptions): void {
  if (
    typeof options !== "object" || options === null || typeof options.files !== "object" ||
    options.files === null
  ) {
    throw new MisuseError("exportRun takes { id, program, files }");
  }
  if (typeof options.id !== "string" || !ID.test(options.id)) {
    throw new MisuseError("a run's id has 1 to 64 letters, digits, '.', '_' or '-'");
  }
  checkName(options.program, "the name of a program");
  for (const [name, source] of Object.entries(options.files)) {
    checkName(name, "the name of a module");
    if (typeof source !== "string") throw new MisuseError(`the source of '${name}' is not a text`);
  }
  if (!Object.hasOwn(options.files, options.program)) {
    throw new MisuseError(`'${options.program}' is not among the files`);
  }
}

function checkMain(vm: QuickJS): void {
  const remedy =
    "evaluate the program with vm.evalCode(code, name, { module: true }) and give its promise to vm.exportHandle before any other value";
  try {
    using main = vm.importHandle(MAIN);
    if (main.isPromise) return;
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
  }
  throw new MisuseError(`this VM is not that of a run: ${remedy}`);
}

function describe(id: string, { id: operation, kind }: Operation): object | undefined {
  const policy = POLICIES.get(kind);
  if (policy === undefined) return undefined;
  return { id: operation, key: `${id}/0/${operation}`, policy, begun_step: 1 };
}

/** The VM and what the options say as a file; the VM may go on. */
export function exportRun(vm: QuickJS, core: Core, options: RunOptions): Uint8Array {
  checkOptions(options);
  checkMain(vm);
  const { id, program, files, input } = options;
  const operations = vm.pendingOperations();
  const run = writeCbor({
    version: VERSION,
    id,
    program,
    input: input === undefined ? new Uint8Array() : writeCbor(input),
    files: Object.entries(files).map(([name, source]) => [name, encoder.encode(source)]),
    created: Math.floor(Date.now()),
    step: 1,
    branch: 0,
    // Of what has ended the end is still to be seen.
    runnable: vm.hasPendingJobs || operations.length === 0,
    memory_max: core.settings.memoryMax,
    fuel: 0,
    deadline: 0,
    access: "",
    operations: operations.flatMap((operation) => describe(id, operation) ?? []),
    results: [],
    upgrade: new Uint8Array(),
  });
  return attachRun(saveSnapshot(core.instance, { waiting: reportOf(core, INSPECT_WAITING) }), run);
}
