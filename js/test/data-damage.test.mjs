// SPDX-License-Identifier: MIT
// hosts: node deno bun
//
// data-damage.test.mjs - damaged CBOR: what the package's reader takes and what
// it refuses, and why, is what the guest's reader does; and what both take is
// the same value.
//
// TORPOR_SEEDS=FROM:COUNT tries others than the usual ones.

import { readFileSync } from "node:fs";
import process from "node:process";

import { assert, test } from "./support/test.mjs";
import { Guest, inner, Thrown } from "./support/guest.mjs";

const { readCbor } = await inner("data/cbor-read.js");
const { writeCbor } = await inner("data/cbor-write.js");
const { FormatError, UnsupportedError } = await inner("errors.js");

const [FROM, COUNT] = (process.env.TORPOR_SEEDS ?? "0:25000").split(":").map(Number);
const TREES = 400;

// ---- Damage -------------------------------------------------------------------

function randomFrom(seed) {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

// First bytes of items, of which random ones are seldom good.
const HEADS = [
  ...[0x00, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x20, 0x3b, 0x40, 0x41, 0x58, 0x5f, 0x60, 0x61],
  ...[0x78, 0x7f, 0x80, 0x81, 0x82, 0x98, 0x9f, 0xa0, 0xa1, 0xb8, 0xbf, 0xc1, 0xc2, 0xc3],
  ...[0xd8, 0xd9, 0xda, 0xdb, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xff],
];
const TAGS = [
  ...[1, 2, 3, 28, 29, 31, 64, 68, 69, 77, 86, 258, 259, 273, 21066],
  ...[7630690, 7630693, 7630696, 7630703, 7630704, 7630707, 7630710, 7630711],
];

function tagOf(random) {
  const tag = TAGS[random(TAGS.length)];
  if (tag < 24) return [0xc0 | tag];
  if (tag < 256) return [0xd8, tag];
  if (tag < 65536) return [0xd9, tag >> 8, tag & 255];
  return [0xda, tag >>> 24, (tag >> 16) & 255, (tag >> 8) & 255, tag & 255];
}

function damageOnce(bytes, others, random) {
  const at = random(bytes.length + 1);
  const size = 1 + random(random(4) ? 4 : 40);
  const other = others[random(others.length)];
  const from = random(other.length);
  switch (random(9)) {
    case 0:
      return bytes.toSpliced(at, 1, (bytes[at] ?? 0) ^ (1 << random(8)));
    case 1:
      return bytes.toSpliced(at, 1, random(256));
    case 2:
      return bytes.toSpliced(at, 1, HEADS[random(HEADS.length)]);
    case 3:
      return bytes.toSpliced(at, size);
    case 4:
      return bytes.toSpliced(at, 0, ...bytes.slice(at, at + size));
    case 5:
      return bytes.slice(0, at);
    case 6:
      return bytes.toSpliced(at, 0, ...tagOf(random));
    case 7:
      return bytes.toSpliced(at, random(2) ? size : 0, ...other.slice(from, from + size));
    default:
      return bytes.toSpliced(at, 1, (bytes[at] ?? 0) + (random(2) ? 1 : 255) & 255);
  }
}

function damage(trees, seed) {
  const random = randomFrom(seed + 1);
  for (let i = 0; i < 3; i++) random(2);
  let bytes = trees[random(trees.length)];
  for (let i = random(3); i >= 0; i--) bytes = damageOnce(bytes, trees, random);
  return Uint8Array.from(bytes);
}

// ---- Both readers -------------------------------------------------------------

function readHere(bytes) {
  try {
    return { value: readCbor(bytes) };
  } catch (error) {
    if (error instanceof UnsupportedError) return { unsupported: true };
    if (error instanceof FormatError) return { why: error.message };
    throw error;
  }
}

function readThere(guest, bytes) {
  try {
    return { value: guest.decode(bytes) };
  } catch (error) {
    if (error instanceof Thrown) return { why: error.message.replace(/^SyntaxError: /, "") };
    throw error;
  }
}

function contains(bytes, ...part) {
  for (let at = bytes.indexOf(part[0]); at >= 0; at = bytes.indexOf(part[0], at + 1)) {
    if (part.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}

const hasRegExp = (bytes) => contains(bytes, 0x52, 0x4a);
const hasError = (bytes) => contains(bytes, 0x74, 0x6f, 0x65);

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Of what each reader says only the words about patterns may differ, which are
// those of the host's engine; and of errors that lack a stack each has its own.
function compare(guest, bytes, seed) {
  const here = readHere(bytes);
  const there = readThere(guest, bytes);
  const where = `seed ${seed}, ${hex(bytes)}`;
  if (here.unsupported) return "unsupported";
  if (hasRegExp(bytes) && here.why !== there.why) return "pattern";
  assert.equal(here.why, there.why, where);
  if (here.why !== undefined) return "refused";
  if (hasError(bytes) || hasRegExp(bytes)) return "taken";
  assert.equal(hex(writeCbor(here.value)), hex(guest.encode(there.value)), where);
  return "same";
}

test("damaged CBOR is refused as the guest refuses it", () => {
  const guest = new Guest();
  if (typeof Float16Array === "undefined") guest.eval("globalThis.Float16Array = Float32Array");
  guest.eval(readFileSync(`${process.env.TORPOR_SOURCE}/test/support/trees.js`, "utf8"));
  const trees = [];
  for (let seed = 0; seed < TREES; seed++) {
    /* mostly a part of a tree: what is small is soon good again */
    const part = seed % 8 ? `make(${seed}).at(-1 - ${seed % 3})` : `make(${seed})`;
    trees.push(guest.scope(() => Array.from(guest.encode(guest.eval(part)))));
  }
  const counts = { same: 0, taken: 0, refused: 0, pattern: 0, unsupported: 0 };
  for (let seed = FROM; seed < FROM + COUNT; seed++) {
    const bytes = damage(trees, seed);
    counts[guest.scope(() => compare(guest, bytes, seed))]++;
  }
  assert(counts.same > COUNT / 20, `${JSON.stringify(counts)}: too few are the same`);
  assert(counts.refused > COUNT / 3, `${JSON.stringify(counts)}: too few are refused`);
  assert(counts.pattern < COUNT / 50, `${JSON.stringify(counts)}: too many patterns`);
  if (process.env.TORPOR_SEEDS) console.log(counts);
}, { seconds: 900 });
