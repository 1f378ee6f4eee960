// SPDX-License-Identifier: MIT
//
// differences.mjs - where a program of quickjs-wasi finds something
// else with torpor-vm/quickjs-wasi. docs/moving-from-quickjs-wasi.md has these
// rows as a table; quickjs-wasi-compare.test.mjs proves that each is one, that
// there is no other, and that the document says the same.

/** What it is about, what is theirs, what is ours and why. */
export const differences = {
  versions: [
    "versions",
    "`quickjs-wasi` and `quickjs`, engine 0.18",
    "those names, and this package's own; engine 0.17, whose id every snapshot bears",
  ],
  words: [
    "words of messages",
    "theirs",
    "ours: each says what is wrong and what to do; names of errors are the same",
  ],
  wasm: ["option `wasm`", "needed", "may be left out: the engine is part of the package"],
  extensions: [
    "option `extensions`",
    "native modules of its own, as bytes or a `WebAssembly.Module`",
    "native modules of this package, and those that `torpor extension build` makes of the same C; as bytes",
  ],
  stack: [
    "recursion without end",
    "the host's stack may end first: a RangeError of the host, in the middle of guest code",
    "a RangeError that the guest can catch",
  ],
  stackSize: [
    "option `maxStackSize`",
    "0: no guard; very small ones leave no room for any code",
    "there is always a guard; less than 16,384 counts as that",
  ],
  memoryLimit: [
    "option `memoryLimit`",
    "counts the heap from its first byte; guest code cannot catch that it is used up",
    "counts pages beyond the initial memory; an InternalError that guest code can catch, as elsewhere in the language",
  ],
  zone: ["option `timezoneOffset` of a wrong type", "taken as 0", "refused"],
  intrinsics: [
    "option `intrinsics`",
    "BIG_INT, DOM_EXCEPTION and `Reflect` of PROXY stay; without EVAL the host cannot run code either",
    "all that is named goes; without EVAL the host runs code all the same",
  ],
  flags: ["unknown flags of evalCode", "ignored", "refused"],
  compileOnly: [
    "`EvalFlags.COMPILE_ONLY`",
    "gives a handle that nothing can be done with",
    "gives `undefined`; `compile` gives code that can be run",
  ],
  compile: [
    "compile of wrong code",
    "an Error with the guest's message in it",
    "a `JSException`, as evalCode throws",
  ],
  bytecode: [
    "evalBytecode of other bytes",
    "left to the engine",
    "refused before the engine sees them: of another engine, cut short, altered",
  ],
  moduleErrors: [
    "errors of the module loader",
    "the guest gets the error itself",
    "the guest gets a ReferenceError that names module and importer, with the message in it",
  ],
  moduleOrder: [
    "calls of the module loader",
    "name, source, name, source",
    "all names of a module first, so that the sources could come later",
  ],
  moduleRun: [
    "a module's promise",
    "may be settled at once",
    "is settled when jobs have run, as import() has it",
  ],
  moduleTypes: [
    'import with { type: "json" }',
    "a SyntaxError",
    "works",
  ],
  thrown: [
    "`throw null` and `throw undefined`",
    'the name and message of the exception are "<null>"',
    'its name is "Error", its message "null" or "undefined"',
  ],
  refused: [
    "use of what cannot be used so: properties of primitives, the promise state of what is no promise, a descriptor or proxy part of another value",
    "NaN, -1, false, [] or a handle of an unknown type",
    "an error of the guest where the language has one, else a `WrongTypeError`",
  ],
  gets: [
    "getProp whose getter throws, or of undefined",
    "gives a handle of type unknown, and leaves the exception behind",
    "throws the `JSException`",
  ],
  defines: ["defineProp that is refused", "does nothing", "throws the `JSException`"],
  conversions: [
    "toNumber and toString that throw",
    "NaN and null",
    "throw the `JSException`",
  ],
  strings: ["keys() of a string", "none", "its indexes, as Object.keys has it"],
  bigints: ["BigInts of more than 64 bits", "cut to 64", "exact"],
  bytes: ["bytes of a DataView", "refused", "read"],
  classNames: [
    "className of a proxy",
    '"Object"',
    '"Proxy"',
  ],
  constructorNames: [
    "constructorName",
    "reads `constructor` and `name`, which may run guest code",
    "follows plain data only: undefined for proxies and primitives",
  ],
  revoked: ["target and handler of a revoked proxy", "throw", "null"],
  missing: [
    "a getter of a handle that has ended",
    "reads whatever is there",
    "a `StaleHandleError`",
  ],
  constants: ["dup() of undefined, null, true, false", "another handle", "the same one"],
  arguments: [
    "arguments of a wrong type",
    "converted, or read as zero",
    "a `MisuseError`",
  ],
  results: [
    "a host function that gives no handle",
    "a TypeError in the guest, or 0",
    "undefined, primitives and promises arrive as what they are",
  ],
  hostErrors: [
    "errors that cross into the guest",
    "plain Errors with a name",
    "instances of the guest's class of that name, with cause",
  ],
  hostThrows: [
    "a host function that throws a handle",
    "an Error with its text",
    "that value",
  ],
  emptyNames: [
    "host functions without a name",
    'one may be named ""',
    "refused; use newEphemeralFunction",
  ],
  ephemeral: [
    "newEphemeralFunction",
    "named, and ends with the handle",
    'named "", and ends with the guest\'s function: what the guest kept goes on',
  ],
  settled: [
    "`deferred.settled`",
    "resolves when jobs have run",
    "resolves when the promise is settled",
  ],
  drains: [
    "resolvePromise",
    "waits until somebody runs the jobs",
    "runs them itself",
  ],
  rejections: [
    "onUnhandledRejection",
    "is told at once, also of what is handled in the same call",
    "is told after the call of what is unhandled then",
  ],
  failures: [
    "a failure while nobody waits (a handler that throws when a host promise has settled)",
    "ends the VM",
    "rejects whoever waits; the VM can be used",
  ],
  exceptions: ["getException", "a handle of an unknown type", "undefined: nothing is left behind"],
  snapshots: [
    "Snapshot",
    "`memory`, `stackPointer`, `runtimePtr`, `contextPtr`, `extensions`",
    "`bytes` and `size`: a few kilobytes, the same in C; theirs cannot be read, being another engine's memory",
  ],
  snapshotInside: [
    "snapshot inside a host function",
    "taken, with half a call in it",
    "a `BusyError`",
  ],
  tokens: [
    "importHandle of an unknown token",
    "a handle of whatever is there",
    "a `NotFoundError`",
  ],
  memoryUsage: [
    "getMemoryUsage",
    "counts of all kinds",
    "the same names; code and lines of functions, and C functions, are not counted apart and are 0",
  ],
  data: [
    "dump and hostToHandle of dates, maps, sets, regular expressions, boxed primitives, promises, and views other than Uint8Array",
    "{} or another kind",
    "their own kind",
  ],
  errorData: [
    "dump of errors",
    "name, message and stack",
    "also cause and errors, in the host's class; the stack begins with name and message",
  ],
  holes: ["dump of arrays with holes", "undefined", "holes"],
  getters: ["dump of a getter that throws", "an Error as its value", "throws the `JSException`"],
  proxies: ["dump of proxies", "runs their traps", "refused: a TypeError that says where"],
  prototypes: ['a key "__proto__" in data', "lost", "a key like any other"],
  functionsIn: ["hostToHandle of functions", "undefined", "a `WrongTypeError` that says where"],
  symbols: ["hostToHandle of Symbol.iterator and its like", "refused", "the guest's own"],
  circles: ["hostToHandle of circles", "ends the host's stack", "kept"],
  handlesIn: [
    "hostToHandle of objects with handles in them",
    "copies the inside of the handle",
    "the value",
  ],
};
