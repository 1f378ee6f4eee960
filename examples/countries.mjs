// SPDX-License-Identifier: MIT
// countries.mjs - a durable program over real data: every country of ISO 3166.
//
// It reads the country list, works through it in batches, and for each batch
// reads the subdivisions (provinces, cantons, regions...) of those countries.
// What it has found so far lives in ordinary variables, in a closure and in the
// suspended frame of an async generator: there is no database and no "state"
// object to save. Between batches it sleeps; half way it waits for somebody to
// say "continue". Kill it at any moment and resume it: it goes on where it was.
//
//   torpor run countries.mjs --allow-read=/usr/share/iso-codes \
//     --allow-write=. --input '{"report": "report.json"}'
//   torpor signal RUN continue '{"by": "me"}'

import { readFile, writeFile } from "torpor:fs";
import { input, signal, sleep, step } from "torpor:run";

const {
  data = "/usr/share/iso-codes/json",
  report = "report.json",
  batch = 10,
  pause = "100 ms",
} = input() ?? {};

// A 32-bit FNV-1a digest over all text given to it, kept in a closure.
function digest() {
  let hash = 0x811c9dc5;
  return {
    add(text) {
      for (let i = 0; i < text.length; i++) {
        hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
      }
    },
    get value() {
      return hash.toString(16).padStart(8, "0");
    },
  };
}

async function readList(name, key) {
  return JSON.parse(await readFile(`${data}/${name}.json`, "utf8"))[key];
}

// Yields one batch of countries at a time, each with its subdivisions, and sleeps
// between them. By then the subdivisions are gone: what a program has let go of
// is not saved.
async function* batches() {
  const list = await readList("iso_3166-1", "3166-1");
  const countries = list.map(({ alpha_2, name }) => ({ code: alpha_2, name }));
  countries.sort((a, b) => (a.code < b.code ? -1 : 1));
  for (let at = 0; at < countries.length; at += batch) {
    const part = countries.slice(at, at + batch);
    let all = await readList("iso_3166-2", "3166-2");
    for (const country of part) {
      country.subdivisions = all
        .filter(({ code }) => code.startsWith(`${country.code}-`))
        .sort((a, b) => (a.code < b.code ? -1 : 1));
    }
    all = null;
    yield { part, done: at + part.length, of: countries.length };
    for (const country of part) delete country.subdivisions;
    await sleep(pause);
  }
}

const whole = digest();
const applied = new Map(); // how often each country was worked on: must be 1
const kinds = new Map();
let subdivisions = 0;
let largest = { code: "", count: 0 };
let asked = false;
let approval;

for await (const { part, done, of } of batches()) {
  for (const { code, name, subdivisions: parts } of part) {
    whole.add(`${code}|${name}\n`);
    for (const { code: subcode, name: subname, type } of parts) {
      whole.add(`${subcode}|${subname}|${type}\n`);
      kinds.set(type, (kinds.get(type) ?? 0) + 1);
    }
    subdivisions += parts.length;
    if (parts.length > largest.count) {
      largest = { code, count: parts.length };
    }
    applied.set(code, (applied.get(code) ?? 0) + 1);
  }
  console.log(`step ${step()}: ${done} of ${of} countries, ` +
    `${subdivisions} subdivisions, digest ${whole.value}`);
  if (!asked && done * 2 >= of) {
    console.log("half way: waiting for the signal \"continue\"");
    asked = true;
    approval = await signal("continue");
  }
}

const result = {
  countries: applied.size,
  subdivisions,
  digest: whole.value,
  largest,
  kinds: Object.fromEntries([...kinds].sort(([a], [b]) => (a < b ? -1 : 1))),
  applied: Object.fromEntries(applied),
  approvedBy: approval?.by ?? null,
};
await writeFile(report, JSON.stringify(result, null, 2) + "\n");
console.log(`report written to ${report}`);
export default { countries: result.countries, digest: result.digest };
