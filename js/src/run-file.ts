// SPDX-License-Identifier: MIT
//
// run-file.ts - a VM as a file that `torpor import` makes a durable run of:
// its snapshot with a section that says what the run is besides its VM
// (docs/durable-runs.md).
//
// A run keeps the modules of its VM's extensions with the files of its program, as
// "extension:1" and so on, in the order of loading (run/state/extension-load.h). Those that
// ship are among them: who imports the file may have another version of Torpor, with
// other ones of these names.
//
// A run is an ES module. Whoever drives it tells how it ends by the promise of
// that module, which is the first value that was exported in its VM.

import { INSPECT_WAITING } from "./abi.js";
import type { Core } from "./core.js";
import { writeCbor } from "./data/cbor-write.js";
import { LimitError, MisuseError, NotFoundError } from "./errors.js";
import { labelOf, refuseExtension, usualInit } from "./extension.js";
import type { Linked } from "./extension-table.js";
import { attachRun } from "./format/attach.js";
import { reportOf } from "./inspect.js";
import type { Operation } from "./operation.js";
import { saveSnapshot } from "./snapshot.js";
import type { QuickJS } from "./vm.js";

/**
 * What `vm.exportRun` writes down beside the VM. The modules of the VM's extensions are written
 * without being named here. One that a run cannot keep is refused: by an ExtensionError when it
 * does not say its name, or its init function has another one than `qjs_ext_NAME_init`; by a
 * LimitError when it has more than 16 MiB, or there are more than 32.
 */
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
const EXTENSION = "extension:";
/** What a run keeps of extensions (run/state/extension-load.h, run/state/extension.c). */
const EXTENSIONS_MOST = 32;
const MODULE_LARGEST = 16 << 20;

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
    if (name.startsWith(EXTENSION)) {
      throw new MisuseError(
        `'${name}' is a name of extensions, which are carried without being among the files`,
      );
    }
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

/** Refuses what the command could not load again by its module alone. */
function checkExtension({ extension: { bytes, side }, record: { name } }: Linked): void {
  if (bytes.length > MODULE_LARGEST) {
    throw new LimitError(
      `${labelOf(name)} has ${bytes.length} bytes; a run keeps those of at most ${MODULE_LARGEST}`,
    );
  }
  if (side.name === undefined) {
    refuseExtension(
      name,
      "does not say what it is called, and a run keeps only those that do; " +
        `begin its source with TORPOR_EXTENSION("${name}", "1.0")`,
    );
  }
  if (!side.exports.has(usualInit(name))) {
    refuseExtension(
      name,
      `has an init function of its own name, and a run calls '${usualInit(name)}'; name it so`,
    );
  }
}

/** The modules of a VM's extensions, by the names under which a run keeps them. */
function extensionFiles(linked: readonly Linked[]): [string, Uint8Array][] {
  if (linked.length > EXTENSIONS_MOST) {
    throw new LimitError(
      `the VM has ${linked.length} extensions; a run keeps at most ${EXTENSIONS_MOST}`,
    );
  }
  linked.forEach(checkExtension);
  return linked.map(({ extension }, i) => [`${EXTENSION}${i + 1}`, extension.bytes]);
}

/** The VM and what the options say as a file; the VM may go on. */
export function exportRun(vm: QuickJS, core: Core, options: RunOptions): Uint8Array {
  checkOptions(options);
  checkMain(vm);
  const { id, program, files, input } = options;
  const extensions = extensionFiles(core.instance.linked);
  const operations = vm.pendingOperations();
  const run = writeCbor({
    version: VERSION,
    id,
    program,
    input: input === undefined ? new Uint8Array() : writeCbor(input),
    files: [
      ...Object.entries(files).map(([name, source]) => [name, encoder.encode(source)]),
      ...extensions,
    ],
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
