// SPDX-License-Identifier: MIT
//
// fuzz.mjs - random addresses, changes of them and of their parameters, in a VM and
// beside this host's own URL.
//
//   node fuzz.mjs PACKAGE EXTENSION [SEED [ROUNDS]]
//
// PACKAGE is the folder of the npm package torpor-vm, EXTENSION url.wasm. Exits with
// 1 when something differs, after what it was. What hosts of other ages see in
// another way is not generated: names of hosts that are not ASCII or begin with
// 'xn--', the scheme 'javascript', ports by the setter of hosts, '^', colons at the
// start of the path of a file, bases without an authority, a blank at the end of a
// path, paths set to dots.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [pkg, extension, first = "1", rounds = "2000"] = process.argv.slice(2);
const { QuickJS } = await import(pathToFileURL(resolve(pkg, "dist/index.js")).href);
const wasm = readFileSync(extension);
const vm = await QuickJS.create({ extensions: [{ name: "url", wasm }], memoryLimit: 64 << 20 });

let seed = Number(first);
function random(below) {
  seed = Math.imul(seed, 1103515245) + 12345 & 0x7fffffff;
  return (seed >>> 8) % below;
}
const pick = (list) => list[random(list.length)];
const some = (list, most) => Array.from({ length: random(most + 1) }, () => pick(list)).join("");

const SCHEMES = ["http:", "https:", "HTTP:", "ws:", "file:", "data:", "foo:", ":", ""];
const SLASHES = ["//", "/", "", "\\\\", "///", "/\\"];
const HOSTS = [
  ...["a", "example.com", "A.B", "127.0.0.1", "0x7f.1", "256.1", "[::1]", "[1:2::3]", "[::g]"],
  ...["a b", "a%41", "a%00", "", ".", "a..b", "1.2.3.4.5", "user@host", "@", "a_b"],
];
const PORTS = ["", "", ":80", ":443", ":8080", ":0", ":65536", ":", ":a", ":00080"];
const PIECES = [
  ...["a", "b", "/", "/", "..", ".", "%2e", "%2E%2e", "\\", "?", "#", " x", "\t", "\n", "%", "%zz"],
  ...["é", "€", "\u{1f600}", "\ud800", "'", '"', "<", "`", "|", "{", "&", "=", "+", "%20", "\0"],
  ...["~", "C:", "C|", ":", "@", "[", "]", ";", ",", "$", "\x7f", "\x1f"],
];

const address = () => pick(SCHEMES) + pick(SLASHES) + pick(HOSTS) + pick(PORTS) + some(PIECES, 8);
/** One that others can be relative to. */
const base = () => pick(["http:", "wss:", "foo:"]) + "//" + pick(HOSTS) + "/" + some(PIECES, 8);
const PARTS = [
  ...["protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"],
];

/** One case as data: an address, its base, and what is done to it. */
function makeCase() {
  const steps = Array.from({ length: random(5) }, () => {
    if (random(2) === 0) {
      const part = pick([...PARTS, "href"]);
      const value = part.startsWith("host")
        ? pick(HOSTS.filter(Boolean))
        : part === "port"
        ? String(random(70000))
        : part === "href"
        ? address()
        : part === "protocol"
        ? pick(SCHEMES)
        : "x" + some(PIECES, 4);
      return ["part", part, value];
    }
    const name = pick(["append", "set", "delete", "sort", "has", "getAll", "get"]);
    return ["params", name, some(PIECES, 2), some(PIECES, 2)];
  });
  return [address(), random(2) ? base() : undefined, steps];
}

// What both sides run. Everything that can be seen, as a text.
const play = `([address, base, steps]) => {
  const seen = [];
  const look = (url) => [url.href, url.origin, url.host, url.pathname, url.search, url.hash,
    url.username, url.password, url.port, url.protocol, [...url.searchParams].join("&")].join(" ");
  let url;
  try {
    url = base == undefined ? new URL(address) : new URL(address, base);
  } catch (error) {
    return error.name + URL.canParse(address, base ?? undefined);
  }
  seen.push(look(url));
  for (const [kind, name, first, second] of steps) {
    try {
      if (kind === "part") url[name] = first;
      else seen.push(String(url.searchParams[name](first, second)));
    } catch (error) {
      seen.push(error.name);
    }
    seen.push(look(url));
  }
  return JSON.stringify(seen);
}`;
const here = eval(play);
vm.evalCode(`globalThis.play = ${play}; 0`).dispose();

let failures = 0;
for (let round = 0; round < Number(rounds); round++) {
  const what = makeCase();
  const expected = here(what);
  const found = vm.evalCode(`play(${JSON.stringify(what)})`).consume((handle) => handle.toString());
  if (found === expected || failures++ >= 20) continue;
  console.log(`seed ${first}: ${JSON.stringify(what)}\n  ours ${found}\n  host ${expected}`);
}

// Whatever comes as a pattern: it matches, does not match, or throws a TypeError.
const PATTERN = [":a", "*", "(", ")", "{", "}", "?", "+", "(a|b)", "([a-z])", "\\", ...PIECES];
for (let round = 0; round < Number(rounds) / 4; round++) {
  const args = [pick(SCHEMES) + some(PATTERN, 10), pick(["https://a.b/c", address()]), address()];
  const found = vm.evalCode(`(([pattern, base, input]) => {
    try {
      return String(new URLPattern(pattern, base).exec(input)?.pathname.input);
    } catch (error) {
      return error.name;
    }
  })(${JSON.stringify(args)})`).consume((handle) => handle.toString());
  if (/Error/.test(found) && found !== "TypeError" && failures++ < 20) {
    console.log(`seed ${first}: ${JSON.stringify(args)} threw ${found}`);
  }
}
vm.dispose();
console.log(`${rounds} rounds with seed ${first}: ${failures} differences`);
process.exitCode = failures > 0 ? 1 : 0;
