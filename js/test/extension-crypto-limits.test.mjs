// SPDX-License-Identifier: MIT
// hosts: node
//
// extension-crypto-limits.test.mjs - limits on time, fuel and memory hold inside
// the extension crypto, and keys do not outlive their objects.

import { assert } from "./support/test.mjs";
import { cryptoExtension } from "./support/crypto-sides.mjs";
import { hold, test } from "./support/hold.mjs";
import { QuickJS } from "torpor-vm";

const create = async (options = {}) =>
  hold(await QuickJS.create({ ...options, extensions: [await cryptoExtension()] }));

/** Runs `code`, with jobs, to its end: what its promise gives, or the name of its error. */
async function run(vm, code) {
  const wrapped = `(async () => { ${code} })().then(String, (error) => error.name)`;
  const promise = vm.unwrapResult(vm.evalCode(wrapped));
  vm.executePendingJobs();
  const settled = await vm.resolvePromise(promise);
  return vm.dump(settled.error ?? settled.value);
}

const LONG = {
  PBKDF2: `
    const key = await crypto.subtle.importKey("raw", new Uint8Array(9), "PBKDF2", false, ["deriveBits"]);
    const how = { name: "PBKDF2", hash: "SHA-512", salt: new Uint8Array(9), iterations: 2 ** 32 - 1 };
    await crypto.subtle.deriveBits(how, key, 4096)`,
  RSA: `
    const how = { name: "RSA-PSS", hash: "SHA-1", publicExponent: new Uint8Array([1, 0, 1]) };
    await crypto.subtle.generateKey({ ...how, modulusLength: 8192 }, true, ["sign"])`,
  usages: `
    const endless = { *[Symbol.iterator]() { for (;;) yield "sign"; } };
    await crypto.subtle.generateKey("Ed25519", true, endless)`,
};

test("what takes long is interrupted, and the VM goes on", async () => {
  for (const [name, code] of Object.entries(LONG)) {
    for (const limit of ["deadline", "fuel"]) {
      const vm = await create(limit === "deadline" ? { deadline: 300 } : {});
      if (limit === "fuel") vm.fuel = 200_000;
      const begin = performance.now();
      let said;
      try {
        said = await run(vm, code);
      } catch (error) {
        said = error.name;
      }
      assert.equal(performance.now() - begin < 20_000, true, `${name} by ${limit}`);
      assert.equal(
        /Interrupted|InternalError|Trap/i.test(said),
        true,
        `${name} by ${limit}: ${said}`,
      );
    }
  }
}, { seconds: 300 });

test("memory that runs out is an error at each place", async () => {
  const code = `
    const { subtle } = crypto;
    const key = await subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt", "wrapKey"]);
    const how = { name: "AES-GCM", iv: new Uint8Array(12) };
    const made = await subtle.encrypt(how, key, new Uint8Array(4000));
    const pair = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-384" }, true, ["sign"]);
    await subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, made);
    await subtle.wrapKey("jwk", pair.privateKey, key, how);
    const jwk = await subtle.exportKey("jwk", pair.privateKey);
    await subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-384" }, true, ["sign"]);
    const ed = await subtle.generateKey("Ed25519", true, ["sign"]);
    return (await subtle.sign("Ed25519", ed.privateKey, made)).byteLength`;
  const seen = new Set();
  for (let free = 0; free < 80; free++) {
    const vm = await create({ memoryLimit: 8 << 20 });
    await run(
      vm,
      `
      globalThis.ballast = [];
      try {
        for (;;) ballast.push(new Uint8Array(1000));
      } catch {}
      ballast.length -= ${free * 8}`,
    );
    let said;
    try {
      said = await run(vm, code);
      await run(vm, "ballast.length = 0");
      vm.runGC();
      assert.equal(await run(vm, code), "64", "with memory again it works");
    } catch (error) {
      if (!(error instanceof Error) || error.name === "AssertionError") throw error;
      said = error.name;
    }
    seen.add(said);
    vm.dispose();
  }
  assert.deepEqual([...seen].sort(), ["64", "InternalError"]);
}, { seconds: 300 });

test("keys are gone with their objects", async () => {
  const vm = await create();
  const mark = Array.from({ length: 32 }, (_, i) => (i * 37 + 11) % 256);
  const make = `
    globalThis.key = await crypto.subtle.importKey(
      "raw", Uint8Array.from(Array(32), (_, i) => (i * 37 + 11) % 256), "AES-GCM", false, ["encrypt"]);
    await crypto.subtle.encrypt({ name: "AES-GCM", iv: new Uint8Array(12) }, key, new Uint8Array(99));`;
  await run(vm, make);
  const count = () => {
    const image = Buffer.from(vm.snapshot().bytes);
    let found = 0;
    for (let at = image.indexOf(Buffer.from(mark)); at >= 0; found++) {
      at = image.indexOf(Buffer.from(mark), at + 1);
    }
    return found;
  };
  assert.equal(count() >= 1, true, "a key sleeps with its VM");
  await run(vm, "globalThis.key = undefined; globalThis.filler = new Uint8Array(32).fill(1)");
  vm.runGC();
  assert.equal(count(), 0);
});
