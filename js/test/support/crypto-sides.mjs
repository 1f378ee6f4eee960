// SPDX-License-Identifier: MIT
//
// crypto-sides.mjs - the same program on two Web Cryptography APIs: that of the
// host and that of the extension, which know of each other only by text.
//
// `answer` runs in both: it takes a request and gives a result, both as JSON, in
// which bytes are { hex } and keys are { key: format, data, algorithm, usages }.

import { hold } from "./hold.mjs";
import { QuickJS } from "torpor-vm";

/** Must not refer to anything outside of itself: its text goes into the guest. */
function makeAnswer(crypto) {
  const { subtle } = crypto;
  const toHex = (buffer) =>
    Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const fromHex = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

  // Bytes and keys inside of a value, as the API takes them.
  const read = async (value) => {
    if (typeof value !== "object" || value === null) return value;
    if ("hex" in value) return fromHex(value.hex);
    if ("key" in value) return await importKey(value);
    if (Array.isArray(value)) return await Promise.all(value.map(read));
    const made = {};
    for (const [name, member] of Object.entries(value)) made[name] = await read(member);
    return made;
  };

  const importKey = async ({ key, data, algorithm, usages, extractable = true }) =>
    await subtle.importKey(key, await read(data), await read(algorithm), extractable, usages);

  const write = async (value) => {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      return { hex: toHex(value.buffer ?? value) };
    }
    if (value?.publicKey) {
      return { publicKey: await write(value.publicKey), privateKey: await write(value.privateKey) };
    }
    if (Object.prototype.toString.call(value) === "[object CryptoKey]") {
      return await describe(value);
    }
    return value;
  };

  // All that can be seen of a key, in every format that it has.
  const describe = async (key) => {
    const { type, extractable, usages } = key;
    const algorithm = { ...key.algorithm };
    if (algorithm.publicExponent) {
      algorithm.publicExponent = { hex: toHex(algorithm.publicExponent) };
    }
    const formats = {};
    for (const format of ["raw", "pkcs8", "spki", "jwk"]) {
      try {
        formats[format] = await write(await subtle.exportKey(format, key));
      } catch (error) {
        formats[format] = error.name;
      }
    }
    return { type, extractable, usages: [...usages], algorithm, formats };
  };

  return async (text) => {
    try {
      const [method, ...words] = JSON.parse(text);
      const value = await subtle[method](...await Promise.all(words.map(read)));
      return JSON.stringify({ value: await write(value) });
    } catch (error) {
      return JSON.stringify({ error: String(error.name), message: String(error.message) });
    }
  };
}

/** One side: `ask(method, ...arguments)` gives the value, or throws with the name. */
function makeSide(answer) {
  const outcome = async (...request) => JSON.parse(await answer(JSON.stringify(request)));
  const ask = async (...request) => {
    const { value, error, message } = await outcome(...request);
    if (error === undefined) return value;
    throw new Error(
      `${request[0]}: ${error}: ${message} (${JSON.stringify(request).slice(0, 400)})`,
    );
  };
  return { ask, outcome };
}

const bytesOf = (async () => {
  const url = import.meta.resolve("torpor-vm/crypto.wasm");
  if (url.startsWith("file:")) {
    const { readFile } = await import("node:fs/promises");
    return await readFile(new URL(url));
  }
  return new Uint8Array(await (await fetch(url)).arrayBuffer());
})();

/** The extension as an option of create and restore. */
export async function cryptoExtension() {
  return { name: "crypto", wasm: await bytesOf };
}

export function hostSide() {
  return makeSide(makeAnswer(globalThis.crypto));
}

/** The extension, in a VM of its own or in `vm`. */
export async function guestSide(vm) {
  vm ??= hold(await QuickJS.create({ extensions: [await cryptoExtension()] }));
  vm.unwrapResult(vm.evalCode(`globalThis.answer = (${makeAnswer})(crypto); 0`)).dispose();
  const answer = async (text) => {
    const promise = vm.unwrapResult(vm.evalCode(`answer(${JSON.stringify(text)})`));
    vm.executePendingJobs();
    const settled = await vm.resolvePromise(promise);
    promise.dispose();
    if (settled.error) throw new Error(vm.dump(settled.error));
    return vm.dump(settled.value);
  };
  return { ...makeSide(answer), vm };
}
