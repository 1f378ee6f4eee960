// SPDX-License-Identifier: MIT
//
// case.mjs - the cases of test/cases/: what each says of itself in its first
// comment lines. Their README.md is the contract, also for test/support/case.c.

import { listData, readText } from "./test.mjs";

const FOLDER = "cases/";
const EXITS = ["done", "thrown", "interrupted", "trapped", "deadlock"];

/** The sources of all modules that a case may import, by their names. */
export async function readModules() {
  const paths = (await listData(FOLDER)).filter((path) => !path.endsWith(".md"));
  const texts = await Promise.all(paths.map(readText));
  return new Map(paths.map((path, i) => [path.slice(FOLDER.length), texts[i]]));
}

/** The cases among them: those that lie in no other folder. */
export function listCases(modules) {
  return [...modules.keys()].filter((name) => /^[^/]+\.m?js$/.test(name)).sort();
}

function readSignal(text) {
  const match = text.match(/^(\d+) +(\S+) (.*)$/);
  if (!match) throw new Error("signal: MS NAME JSON");
  return { at: Number(match[1]), name: match[2], value: JSON.parse(match[3]) };
}

function readFile(text) {
  const [path, hex = ""] = text.split(" ");
  const bytes = (hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
  return { path, bytes: new Uint8Array(bytes) };
}

const DIRECTIVES = {
  expect: (test, text) => void (test.expected += `${text}\n`),
  error: (test, text) => test.errors.push(text),
  exit: (test, text) => {
    if (!EXITS.includes(text)) throw new Error("exit: not a way to end");
    test.exit = text;
  },
  fuel: (test, text) => void (test.fuel = Number(text)),
  memory: (test, text) => void (test.memory = Number(text)),
  deadline: (test, text) => void (test.deadline = Number(text)),
  input: (test, text) => void (test.input = JSON.parse(text)),
  signal: (test, text) => test.signals.push(readSignal(text)),
  file: (test, text) => test.files.push(readFile(text)),
};

/** What the case of that name says of itself. */
export function readCase(name, source) {
  const test = {
    name,
    source,
    isModule: name.endsWith(".mjs"),
    expected: "",
    errors: [],
    exit: "done",
    signals: [],
    files: [],
  };
  for (const line of source.split("\n")) {
    if (!line.startsWith("//")) break;
    const match = line.match(/^\/\/ ?([a-z]+): ?(.*)$/);
    if (!match) continue;
    const apply = DIRECTIVES[match[1]];
    if (apply === undefined) throw new Error(`${name}: unknown directive ${match[1]}`);
    apply(test, match[2]);
  }
  if (test.expected === "" && test.errors.length === 0) {
    throw new Error(`${name} expects nothing, so it cannot fail`);
  }
  return test;
}
