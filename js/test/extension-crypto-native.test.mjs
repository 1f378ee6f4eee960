// SPDX-License-Identifier: MIT
// hosts: node
//
// extension-crypto-native.test.mjs - hashes, and what is made of them, are the same natively with
// the processor's instructions, natively without them, and here: results, fuel and memory.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

import { assert } from "./support/test.mjs";
import { cryptoExtension } from "./support/crypto-sides.mjs";
import { hold, test } from "./support/hold.mjs";
import { evaluate, standStill } from "./support/matrix-host.mjs";
import { makeSleeper, running } from "./support/sleeper.mjs";
import { QuickJS } from "torpor-vm";

const { TORPOR_SOURCE: SOURCE, TORPOR_BUILD: BUILD } = process.env;
assert(SOURCE && BUILD, "TORPOR_SOURCE and TORPOR_BUILD name the source and the build folder");

const folder = mkdtempSync(join(tmpdir(), "torpor-native-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const sleeper = makeSleeper(folder, SOURCE, BUILD);

const PORTABLE = { TORPOR_PORTABLE: "1" };
const FUEL = 1e9;

/**
 * Hashes of data of each length and alignment, and codes and keys that are made of such hashes,
 * in pieces of all sizes. Its text goes into guests, too.
 */
async function makeAll(crypto, seed) {
  const { subtle } = crypto;
  let state = seed;
  const choose = (count) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * count);
  };
  const pool = Uint8Array.from({ length: 4096 }, () => choose(256));
  const bytes = (most) => {
    const start = choose(64);
    return pool.subarray(start, start + choose(most));
  };
  const toHex = (buffer) =>
    Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const keyOf = (algorithm, ...usages) =>
    subtle.importKey("raw", pool.subarray(0, 1 + choose(200)), algorithm, false, usages);
  const out = [];
  for (const hash of ["SHA-1", "SHA-256", "SHA-512"]) {
    for (let i = 0; i < 200; i++) out.push(toHex(await subtle.digest(hash, bytes(600))));
    out.push(toHex(await subtle.digest(hash, new Uint8Array(100_000).fill(seed))));
    for (let i = 0; i < 30; i++) {
      const mac = await keyOf({ name: "HMAC", hash }, "sign");
      out.push(toHex(await subtle.sign("HMAC", mac, bytes(300))));
      const [salt, info] = [bytes(100), bytes(150)];
      const hkdf = { name: "HKDF", hash, salt, info };
      const from = await keyOf("HKDF", "deriveBits");
      out.push(toHex(await subtle.deriveBits(hkdf, from, 8 + 8 * choose(200))));
      const pbkdf2 = { name: "PBKDF2", hash, salt, iterations: 1 + choose(40) };
      const password = await keyOf("PBKDF2", "deriveBits");
      out.push(toHex(await subtle.deriveBits(pbkdf2, password, 8 + 8 * choose(100))));
    }
  }
  return out.join("\n");
}

// What it gives is a number, so that no handle is alive in what is saved.
const begin = (seed) => `var said; (${makeAll})(crypto, ${seed}).then((all) => said = all); 0`;

/** What that gives natively, the fuel that it takes, and the VM asleep. */
function native(seed, variables) {
  const work = running(folder, begin(seed));
  const commands = ["load crypto", `fuel ${FUEL}`, work, "fuel 0", "save asleep", "eval said", ""];
  const lines = sleeper(commands.join("\n"), variables).trim().split("\n");
  return {
    said: lines.slice(3).join("\n"),
    fuel: FUEL - Number(lines[2]),
    asleep: readFileSync(join(folder, "asleep")).toString("hex"),
  };
}

async function here(seed) {
  const extensions = [await cryptoExtension()];
  const vm = hold(await QuickJS.create({ wasi: standStill(), extensions }));
  vm.fuel = FUEL;
  evaluate(vm, begin(seed));
  const fuel = FUEL - vm.fuel;
  vm.fuel = 0;
  const asleep = Buffer.from(vm.snapshot().bytes).toString("hex");
  return { said: evaluate(vm, "said"), fuel, asleep };
}

test("results, fuel and memory are the same with instructions for it and without", async () => {
  for (const seed of [1, 2]) {
    const expected = { ...await here(seed), said: await makeAll(globalThis.crypto, seed) };
    assert(expected.fuel > 10_000);
    const found = [await here(seed), native(seed), native(seed, PORTABLE)];
    for (const { said, fuel, asleep } of found) {
      assert.equal(said, expected.said);
      assert.equal(fuel, expected.fuel);
      assert.equal(asleep === expected.asleep, true, "the same snapshot");
    }
  }
}, { seconds: 120 });

test("fuel ends at the same place", () => {
  const hashing = `var ended = crypto.subtle.digest("SHA-256", new Uint8Array(3e6))
    .then(() => ended = "done"); 0`;
  const outcome = (fuel, variables) => {
    const work = running(folder, hashing);
    const commands = ["load crypto", `fuel ${fuel}`, work, "fuel 0", "eval ended", ""];
    try {
      return sleeper(commands.join("\n"), variables);
    } catch (error) {
      return String(error.stderr);
    }
  };
  const used = FUEL - Number(outcome(FUEL).split("\n")[2]);
  assert(used > 40_000, `${used} for 46,875 blocks`);
  const cases = [[used + 1, /done/], [used - 1, /its fuel/], [Math.floor(used / 2), /its fuel/]];
  for (const [fuel, ending] of cases) {
    assert.match(outcome(fuel), ending);
    assert.equal(outcome(fuel, PORTABLE), outcome(fuel));
  }
}, { seconds: 120 });
