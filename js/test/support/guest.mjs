// SPDX-License-Identifier: MIT
//
// guest.mjs - the parts of the package that are no part of its API (run.mjs),
// and an engine without any of them: its exports alone, for what tests compare
// with the package's own readers and writers. In Node, Deno and Bun.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const ENGINE = createRequire(import.meta.url).resolve("torpor-vm/engine.wasm");

/** A module of the package, by its name in src. */
export function inner(name) {
  return import(new URL(`../../inner/${name}`, import.meta.url).href);
}

const { HOST_RESULT, HOST_WINDOW, Status } = await inner("abi.js");
const module = new WebAssembly.Module(readFileSync(ENGINE));
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What guest code threw: its name and message. */
export class Thrown extends Error {}

/** A VM, by the engine's exports. Values are their 64 bits. */
export class Guest {
  constructor() {
    const answers = WebAssembly.Module.imports(module).map(({ name }) => [name, () => 0]);
    const torpor = Object.fromEntries(answers);
    torpor.clock = () => 1e12;
    torpor.trap = (code) => {
      throw new Error(`the guest trapped (${code})`);
    };
    this.exports = new WebAssembly.Instance(module, { torpor }).exports;
    this.control = this.exports.torpor_control.value;
    this.#check(this.exports.torpor_open());
  }

  /** All memory, which is another array when it has grown. */
  get memory() {
    const { buffer } = this.exports.memory;
    if (this.bytes?.buffer !== buffer) {
      this.bytes = new Uint8Array(buffer);
      this.view = new DataView(buffer);
    }
    return this.bytes;
  }

  #result(i) {
    this.memory;
    return this.view.getBigUint64(this.control + HOST_RESULT + 8 * i, true);
  }

  /** Copies bytes in, with a zero behind them: to the window, or allocated. */
  #put(bytes, at = 0) {
    const fits = at + bytes.length < 4096;
    const window = this.control + HOST_WINDOW + at;
    const address = fits ? window : this.exports.torpor_allocate(bytes.length + 1);
    if (address === 0) throw new Error("the guest has no memory");
    this.memory.set(bytes, address);
    this.bytes[address + bytes.length] = 0;
    return { address, size: bytes.length, end: () => fits || this.exports.torpor_release(address) };
  }

  #check(status) {
    if (status === Status.THROWN) throw new Thrown(this.#describe(this.#result(0)));
    if (status !== Status.OK) throw new Error(`the guest answered ${status}`);
  }

  #describe(error) {
    this.exports.torpor_error_look(error);
    const text = this.#take();
    const sizes = new DataView(text.buffer);
    const name = sizes.getUint32(0, true);
    const end = 12 + name + sizes.getUint32(4, true);
    return `${decoder.decode(text.subarray(12, 12 + name))}: ` +
      decoder.decode(text.subarray(12 + name, end));
  }

  /** The bytes that an export gave. */
  #take() {
    const address = Number(this.#result(0));
    const bytes = this.memory.slice(address, address + Number(this.#result(1)));
    if (this.#result(2) !== 0n) this.exports.torpor_release(address);
    return bytes;
  }

  /** Calls `run`, and ends the handles that it made. */
  scope(run) {
    this.exports.torpor_scope_open();
    const mark = this.exports.torpor_scope_open();
    try {
      return run();
    } finally {
      this.exports.torpor_scope_close(mark);
    }
  }

  eval(source) {
    const file = this.#put(encoder.encode("test.js"));
    const text = this.#put(encoder.encode(source), 16);
    const { torpor_eval } = this.exports;
    const status = torpor_eval(text.address, text.size, file.address, file.size, 0);
    const value = this.#result(0);
    text.end();
    if (status) this.#restore(0, value);
    this.#check(status);
    return value;
  }

  #restore(i, value) {
    this.memory;
    this.view.setBigUint64(this.control + HOST_RESULT + 8 * i, value, true);
  }

  /** The value as CBOR. */
  encode(value) {
    this.#check(this.exports.torpor_cbor_encode(value));
    return this.#take();
  }

  /** The value of CBOR. */
  decode(bytes) {
    const data = this.#put(bytes);
    const status = this.exports.torpor_cbor_decode(data.address, data.size);
    const value = this.#result(0);
    data.end();
    this.#restore(0, value);
    this.#check(status);
    return value;
  }

  /** String(value). */
  text(value) {
    this.#check(this.exports.torpor_string_read(value));
    return decoder.decode(this.#take());
  }

  /** A call of the global function of that name. */
  call(name, ...values) {
    const list = new Uint8Array(8 * values.length);
    const slots = new DataView(list.buffer);
    values.forEach((value, i) => slots.setBigUint64(8 * i, value, true));
    const callee = this.eval(name);
    const args = this.#put(list);
    const { torpor_call } = this.exports;
    this.#check(torpor_call(callee, 0xfff9n << 48n, args.address, values.length));
    return this.#result(0);
  }
}
