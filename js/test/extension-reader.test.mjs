// SPDX-License-Identifier: MIT
//
// extension-reader.test.mjs - modules that are wrong, or that somebody made to do
// harm: each is refused by an error that says why, or is loaded; nothing else
// happens, and the VM goes on.

import { assert } from "./support/test.mjs";
import { random } from "./support/damage.mjs";
import {
  body,
  bytesOf,
  custom,
  dylink,
  from,
  global,
  importing,
  leb,
  list,
  MEMORY,
  MEMORY_BASE,
  section,
  TABLE,
  TABLE_BASE,
  text,
  tiny,
  type,
} from "./support/extension.mjs";
import { hold, test } from "./support/hold.mjs";
import { run } from "./support/vm.mjs";
import { ExtensionError, QuickJS, TorporError } from "torpor-vm";

const utf8 = new TextEncoder();
const I32 = 0x7f;
const says = (lines) => custom("torpor.extension", [...utf8.encode(lines)]);

async function refusal(parts, pattern, options = {}) {
  const wasm = parts instanceof Uint8Array ? parts : tiny(parts);
  const vm = hold(await QuickJS.create());
  const error = await assert.rejects(vm.loadExtension({ wasm, ...options }), ExtensionError);
  assert.match(error.message, pattern);
  assert.equal(run(vm, "1 + 1"), 2);
  return error;
}

async function accepted(parts, options = {}) {
  const vm = hold(await QuickJS.create());
  await vm.loadExtension({ wasm: tiny(parts), ...options });
  return vm;
}

test("a module that is made byte by byte is loaded", async () => {
  const vm = await accepted();
  const [{ name, version, memory, functions }] = vm.extensions;
  assert.deepEqual([name, version, memory, functions], ["tiny", "2", 16, 4]);
  const { record } = vm._core.instance.linked[0];
  const { u8 } = vm._core.instance;
  const data = u8.slice(record.memory, record.memory + 16);
  assert.deepEqual([...data], [0, 0, 0, 0, ...utf8.encode("data"), 0, 0, 0, 0, 0, 0, 0, 0]);
  const table = vm._core.instance.exports.__indirect_function_table;
  const filled = Array.from({ length: 7 }, (_, i) => table.get(record.table + i) !== null);
  assert.deepEqual(filled, [true, true, false, false, false, false, false]);
});

test("alignments are kept", async () => {
  const vm = await accepted({ first: dylink(100, 12, 4, 6) });
  const { record } = vm._core.instance.linked[0];
  assert.deepEqual([record.memory % 4096, record.table % 64], [0, 0]);
});

test("what a module says of itself is checked", async () => {
  await refusal(
    { last: says("interface=2\nname=tiny\nversion=1\n") },
    /version 2 of the interface/,
  );
  await refusal({ last: says("interface=999999999\nname=tiny\n") }, /version 999999999/);
  const bad = [
    "",
    "interface=1\n",
    "name=tiny\n",
    "interface=0\nname=tiny\n",
    "interface=x\nname=tiny\n",
    "interface=-1\nname=tiny\n",
    "interface=1\nname=\n",
    "interface=1\nname=Tiny\n",
    "interface=1\nname=a b\n",
    `interface=1\nname=${"x".repeat(64)}\n`,
    "interface=1\nname=tiny\nversion=\u00e9\n",
    `interface=1\nname=tiny\nversion=${"1".repeat(64)}\n`,
  ];
  for (const lines of bad) await refusal({ last: says(lines) }, /does not say what it is/);
  const twice = says("interface=1\nname=tiny\ninterface=1\nname=tiny\n");
  await refusal({ last: twice }, /says twice/);
  const once = says("interface=1\nname=tiny\n");
  await refusal({ last: [...once, ...once] }, /says twice/);
  await accepted({ last: says("interface=1\nname=tiny\nauthor=somebody\n\nnonsense") });
  await accepted({ last: [] }, { name: "tiny" });
  await accepted({ last: [] }, { name: "other", initFn: "qjs_ext_tiny_init" });
  await refusal({ end: [] }, /not instrumented/);
  await accepted({ end: [] }, { uninstrumented: true });
});

test("dylink.0 is checked", async () => {
  await refusal({ first: [] }, /not a side module/);
  await refusal({ first: [...custom("name"), ...dylink(16, 2, 4, 0)] }, /not a side module/);
  await refusal({ first: custom("dylink.0") }, /not a side module/);
  await refusal({ first: custom("dylink.0", [1, 200]) }, /damaged/);
  await refusal({ first: dylink(2 ** 32 - 1, 2, 4, 0) }, /wants 4294967295 bytes/);
  await refusal({ first: dylink(16, 2, 2 ** 32 - 1, 0) }, /4294967295 entries/);
  await refusal({ first: dylink(16, 40, 4, 0) }, /aligned to more than 64 KiB/);
  await refusal({ first: dylink(16, 2, 4, 2 ** 31) }, /aligned to more than 64 KiB/);
  const needed = [1, 4, 16, 2, 4, 0, 2, 7, 1, ...text("libc.so").slice(0, 6)];
  await refusal({ first: custom("dylink.0", needed) }, /needs another module \('libc.'|damaged/);
  await accepted({ first: custom("dylink.0", [9, 1, 5, 1, 4, 16, 2, 4, 0]) });
});

test("imports are checked", async () => {
  const imports = (...more) => ({ imports: [MEMORY, TABLE, MEMORY_BASE, TABLE_BASE, ...more] });
  const fn = (name, index = 0, where = "env") => importing(where, name, [0, index]);
  const shift = { exports: [[...text("qjs_ext_tiny_init"), 0, 1]] };
  const refused = [
    [fn("no_such"), /needs the function 'no_such'/],
    [fn("qjs_ext_tiny_init"), /imports its own function|needs the function/],
    [fn("toString"), /needs the function 'toString'/],
    [fn("__proto__"), /needs the function '__proto__'/],
    [fn("abort"), /takes 'abort' for a function of type \(i32, i32\) -> i32/],
    [fn("abort", 9), /damaged/],
    [fn("malloc", 0, "GOT.func"), /as a function/],
    [fn("fd_write", 0, "wasi_snapshot_preview1"), /calls the operating system/],
    [fn("malloc", 0, "libc"), /from 'libc'/],
    [fn("malloc", 0, ""), /from ''/],
    [importing("GOT.mem", "x", global(1)), /'x' \(GOT\.mem\); link it with -Bsymbolic/],
    [importing("GOT.func", "x", global(1)), /address of 'x'/],
    [importing("GOT.func", "malloc", global(0)), /another type/],
    [importing("GOT.func", "malloc", [3, 0x7e, 1]), /another type/],
    [importing("env", "memory", [2, 1, 0, 1]), /memory 'memory' of another type/],
    [importing("env", "memory", [2, 3, 0, 1]), /of another type/],
    [importing("env", "memory", [2, 4, 0]), /of another type/],
    [importing("env", "memory", [2, 0, 9]), /of another type/],
    [importing("env", "heap", [2, 0, 0]), /memory 'heap'/],
    [importing("env", "__indirect_function_table", [1, 0x6f, 0, 0]), /table .* of another type/],
    [importing("env", "__indirect_function_table", [1, 0x70, 1, 0, 9]), /of another type/],
    [importing("env", "__indirect_function_table", [1, 0x70, 0, 99]), /of another type/],
    [importing("env", "table", [1, 0x70, 0, 0]), /table 'table'/],
    [importing("env", "x", global(0)), /global 'x' that a VM does not have/],
    [importing("env", "toString", global(0)), /global 'toString'/],
    [importing("env", "__stack_pointer", global(0)), /global '__stack_pointer'/],
    [importing("env", "__memory_base", global(1)), /global '__memory_base'/],
    [importing("env", "e", [4, 0, 0]), /kind that extensions do not have/],
    [importing("env", "e", [9, 0]), /kind that extensions do not have/],
  ];
  for (const [one, pattern] of refused) {
    const isFunction = one.length > 2 && one.at(-2) === 0;
    await refusal({ ...imports(one), ...(isFunction ? shift : {}) }, pattern);
  }
  await accepted({ ...imports(fn("js_malloc")), ...shift });
  const counter = importing("env", "__torpor_poll_counter", global(0));
  const stack = importing("env", "__stack_pointer", global(1));
  await accepted(imports(stack, counter, importing("GOT.func", "malloc", global(1))));
});

test("where elements and data go is checked", async () => {
  const elements = (...given) => ({ elements: given });
  const data = (...given) => ({ data: given });
  const refused = [
    [elements([0, 0x41, 1, 0x0b, ...list(0)]), /where its elements go/],
    [elements([0, ...from(0), ...list(0)]), /where its elements go/],
    [elements([0, ...from(1, 3), ...list(0, 1)]), /damaged/],
    [elements([0, ...from(1), ...list(0, 0, 0, 0, 0)]), /damaged/],
    [elements([0, 0x23, 1, 0x41, 0x7f, 0x6a, 0x0b, ...list(0)]), /damaged/],
    [elements([0, 0x23, 1, 0x41, 1, 0x6b, 0x0b, ...list(0)]), /where its elements go/],
    [elements([1, 0, ...list(0)]), /not put into the table at once/],
    [elements([3, 0, ...list(0)]), /not put into the table at once/],
    [elements([5, 0x70, ...list()]), /not put into the table at once/],
    [elements([2, 1, ...from(1), 0, ...list(0)]), /table of its own/],
    [elements([0, ...from(1), ...list(0, 9)]), /does not compile/],
    [data([0, 0x41, 0, 0x0b, ...text("x")]), /where its data go/],
    [data([0, ...from(1), ...text("x")]), /where its data go/],
    [data([0, ...from(0, 13), ...text("data")]), /damaged/],
    [data([0, ...from(0, 2 ** 27), ...text("data")]), /damaged/],
    [data([0, 0x23, 0, 0x41, 0x7f, 0x6a, 0x0b, ...text("d")]), /damaged/],
    [data([1, ...text("x")]), /not placed at once/],
    [data([2, 0, ...from(0), ...text("x")]), /not placed at once/],
    [data([0, ...from(0), 200, 1]), /damaged/],
  ];
  for (const [parts, pattern] of refused) await refusal(parts, pattern);
  await accepted(elements([2, 0, ...from(1), 0, ...list(0, 1, 0, 1)]));
  // Node 20 does not compile sums.
  await accepted(elements([0, ...from(1, 1), ...list(0, 1)])).catch((error) =>
    assert.match(error.message, /does not compile/)
  );
  await accepted(
    data([0, ...from(0), ...text("0123456789abcdef")], [0, ...from(0, 1), ...text("x")]),
  );
  await accepted({ ...data([0, ...from(0), ...text("x")]), count: section(12, [1]) });
});

test("sections of its own that a VM shares are refused", async () => {
  const middles = [
    [section(4, list([0x70, 0, 1])), /has a section that extensions do not have \(4\)/],
    [section(5, list([0, 1])), /\(5\)/],
    [section(13, list([0, 1])), /\(13\)/],
    [section(14, [0]), /\(14\)/],
    [section(99, []), /\(99\)/],
    [section(3, list(0)), /the order of its sections/],
    [section(1, list()), /the order of its sections/],
    [[6, 100, 0], /damaged/],
  ];
  for (const [middle, pattern] of middles) await refusal({ middle }, pattern);
  await accepted({ middle: section(6, list([I32, 1, 0x41, 5, 0x0b])) });
});

test("instructions that leave traces outside are refused", async () => {
  const codes = [
    [[0x41, 1, 0x40, 0], /memory\.grow/],
    [[0x41, 0, 0xd0, 0x70, 0x26, 0, 0x41, 0], /writes to the function table/],
    [[0xd0, 0x70, 0x41, 1, 0xfc, 15, 0], /writes to the function table/],
    [[0x41, 0, 0xd0, 0x70, 0x41, 1, 0xfc, 17, 0, 0x41, 0], /writes to the function table/],
    [[0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 14, 0, 0, 0x41, 0], /writes to the function table/],
    [[0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 12, 0, 0, 0x41, 0], /writes to the function table/],
    [[0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 8, 0, 0, 0x41, 0], /places data by its own code/],
    [[0xfc, 9, 0, 0x41, 0], /places data by its own code/],
    [[0xfd, 12, ...Array(16).fill(0), 0xfd, 27, 0], /SIMD/],
    [[0xfe, 3, 0, 0x41, 0], /atomics/],
    [[0x06, 0x40, 0x19, 0x0b, 0x41, 0], /instruction that extensions may not have \(0x6\)/],
    [[0x08, 0], /instruction that extensions may not have \(0x8\)/],
    [[0x14, 0], /instruction/],
    [[0xfb, 0, 0], /instruction/],
    [[0x41], /damaged|does not compile/],
    [[0x42, 0], /does not compile/],
    [[0x44, 0, 0], /damaged|does not compile/],
    [[0x41, 0, 0x28, 0x42, 0, 0], /several memories/],
    [[0x02, 0x63, 0x70, 0x0b], /typed references/],
    [[0x20, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1], /damaged|does not compile/],
    [[0x0e, 255, 255, 255, 255, 15], /damaged/],
  ];
  for (const [code, pattern] of codes) await refusal({ code }, pattern);
  const good = [
    [0x3f, 0],
    [0x41, 0, 0x25, 0, 0x1a, 0x41, 0],
    [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 0, 0, 0x41, 0],
    [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0, 0x41, 0],
    [0x43, 0, 0, 0, 0, 0xfc, 0],
    [0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0xfc, 2],
    [0x02, 0x40, 0x41, 2, 0x0e, 1, 0, 0, 0x0b, 0x41, 0],
    [0x41, 0, 0x41, 0, 0x41, 1, 0x1c, 1, I32],
    [0xfc, 16, 0, 0x1a, 0x41, 0],
    [0xd2, 1, 0xd1, 0x1a, 0x41, 0],
  ];
  for (const code of good) {
    const vm = await QuickJS.create();
    // Whatever the init function gives: the module is loaded.
    await vm.loadExtension({ wasm: tiny({ code }) }).catch((error) =>
      assert.match(error.message, /gave \d+/)
    );
    assert.equal(vm.extensions.length, 1);
    vm.dispose();
  }
});

test("start functions may only set globals", async () => {
  const start = section(8, [1]);
  const globals = section(6, list([I32, 1, 0x41, 5, 0x0b]));
  await accepted({ start });
  const setting = [0x23, 0, 0x41, 4, 0x6a, 0x24, 2];
  await accepted({ start, middle: globals, more: setting });
  const storing = [0x41, 0, 0x41, 0, 0x36, 2, 0];
  await refusal({ start, more: storing }, /does more than set its globals/);
  await refusal({ start, more: [0x00] }, /does more than set its globals/);
  // So must what they call.
  const calling = { start, functions: [0, 1, 1], middle: globals, more: [0x10, 2] };
  await accepted({ ...calling, others: [body(...setting)] });
  await refusal({ ...calling, others: [body(...storing)] }, /does more than set its globals/);
  await refusal({ start, more: [0x03, 0x40, 0x0c, 0, 0x0b] }, /does more than set its globals/);
  await refusal({ start: section(8, [77]) }, /does more|does not compile/);
  const abort = importing("env", "abort", [0, 1]);
  await refusal({
    imports: [MEMORY, TABLE, MEMORY_BASE, TABLE_BASE, abort],
    exports: [[...text("qjs_ext_tiny_init"), 0, 1]],
    start: section(8, [0]),
  }, /does more than set its globals/);
});

test("an instance that remembers something is not used for another VM", async () => {
  const globals = section(6, list([I32, 1, 0x41, 5, 0x0b]));
  const stack = { imports: [MEMORY, TABLE, MEMORY_BASE, TABLE_BASE] };
  stack.imports.push(importing("env", "__stack_pointer", global(1)));
  const start = section(8, [1]);
  const setting = [0x23, 0, 0x41, 4, 0x6a, 0x24, 2];
  const stateless = [
    [{}, true],
    [{ ...stack, code: [0x23, 2, 0x24, 2, 0x41, 0] }, true],
    [{ middle: globals, code: [0x41, 7, 0x24, 2, 0x41, 0] }, false],
    [{ middle: globals, start, more: setting }, true],
    [{ middle: globals, start, more: [0x23, 2, 0x41, 1, 0x6a, 0x24, 2] }, false],
    [{ ...stack, middle: globals, start, more: [0x23, 2, 0x24, 3] }, false],
  ];
  for (const [parts, expected] of stateless) {
    const vm = await accepted(parts);
    const { instance } = vm._core;
    assert.equal(instance.linked[0].extension.side.isStateless, expected);
    vm.dispose();
    assert.equal(instance.linked.length, expected ? 1 : 0);
  }
});

test("a module that is cut off anywhere is refused", async () => {
  const whole = tiny();
  for (let size = 0; size < whole.length; size++) {
    const vm = await QuickJS.create();
    const error = await vm.loadExtension({ wasm: whole.slice(0, size) }).then(
      () => undefined,
      (caught) => caught,
    );
    // Without its last sections it is one that does not poll, or has no name.
    assert(error instanceof TorporError, `${size} bytes: ${error}`);
    vm.dispose();
  }
});

// ---- By chance ------------------------------------------------------------------------

const EDGES = [0, 1, 2, 0x0b, 0x7f, 0x80, 0xff, 0x40, 0x23, 0x41];

/** A few bytes of it changed, taken out or put in. */
function mutated(bytes, next) {
  let changed = [...bytes];
  for (let count = 1 + next() % 3; count > 0; count--) {
    const at = next() % changed.length;
    const value = next() % 2 ? next() & 255 : EDGES[next() % EDGES.length];
    const how = next() % 6;
    if (how < 4) changed[at] = value;
    else if (how === 4) changed.splice(at, 1 + next() % 4);
    else changed = [...changed.slice(0, at), value, ...changed.slice(at)];
  }
  return Uint8Array.from(changed);
}

/** Mutants of one: each is refused, loads, or breaks the VM that it is in. */
async function tryMutants(bytes, options, seeds, mutants) {
  const outcomes = {};
  for (let seed = 1; seed <= seeds; seed++) {
    const next = random(seed);
    let vm = await QuickJS.create({ fuel: 1_000_000, memoryLimit: 32 << 20 });
    for (let i = 0; i < mutants; i++) {
      const wasm = mutated(bytes, next);
      let outcome = "loaded";
      try {
        await vm.loadExtension({ wasm, ...options });
        outcome = run(vm, "typeof Counter + [1, 2].map((n) => n + 1)") ? outcome : "";
      } catch (error) {
        assert(error instanceof TorporError, `seed ${seed}, mutant ${i}: ${error?.stack ?? error}`);
        outcome = error.name;
      }
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (vm.extensions.length !== 0 || outcome !== "ExtensionError") {
        vm.dispose();
        vm = await QuickJS.create({ fuel: 1_000_000, memoryLimit: 32 << 20 });
      }
    }
    vm.dispose();
  }
  return outcomes;
}

test("mutants of a small module are refused or loaded", async () => {
  const outcomes = await tryMutants(tiny(), {}, 20, 100);
  assert(outcomes.ExtensionError > 500, JSON.stringify(outcomes));
  assert(outcomes.loaded > 10, JSON.stringify(outcomes));
  const vm = hold(await QuickJS.create());
  assert.equal(run(vm, "typeof Counter + (1 + 1)"), "undefined2");
});

test("mutants of the front of a real module are refused or loaded", async () => {
  const whole = await bytesOf("counter");
  // Its code is left out: loops in it would not end.
  const front = whole.slice(0, 760);
  const rest = whole.slice(760);
  const joined = (wasm) => Uint8Array.from([...wasm, ...rest]);
  for (let seed = 1; seed <= 10; seed++) {
    const next = random(seed);
    for (let i = 0; i < 100; i++) {
      const vm = await QuickJS.create();
      const wasm = joined(mutated(front, next));
      const given = { name: "counter", wasm, uninstrumented: true };
      const error = await vm.loadExtension(given).then(() => undefined, (caught) => caught);
      const isKnown = error === undefined || error instanceof TorporError;
      assert(isKnown, `seed ${seed}, mutant ${i}: ${error?.stack ?? error}`);
      vm.dispose();
    }
  }
  assert(leb(300).length === 2 && body(1).length === 4 && type([], []).length === 3);
});
