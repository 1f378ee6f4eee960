// SPDX-License-Identifier: MIT
//
// package.mjs - the tarball itself: made once more, in another folder, it has the
// same bytes; it depends on nothing; all that package.json names and its texts link
// to is in it, and each compiled file has its types (but for what such files
// share), its map and the sources that the map names.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { BUILD, PROJECT, SOURCE } from "./hosts.mjs";

const INSTALLED = join(PROJECT, "node_modules/torpor-vm");
const description = JSON.parse(readFileSync(join(INSTALLED, "package.json"), "utf8"));
const TARBALL = `torpor-vm-${description.version}.tgz`;

// All paths in what a field of package.json says, however deep.
function pathsIn(value) {
  if (typeof value === "string") return value.startsWith("./") ? [value] : [];
  return Object.values(value ?? {}).flatMap(pathsIn);
}

function* missingFiles() {
  const { exports, types } = description;
  const texts = ["./README.md", "./LICENSE", "./NOTICE"];
  for (const path of [...pathsIn({ exports, types }), ...texts]) {
    if (!existsSync(join(INSTALLED, path))) yield path;
  }
}

function* missingMaps() {
  const dist = join(INSTALLED, "dist");
  for (const name of readdirSync(dist, { recursive: true })) {
    if (!name.endsWith(".js")) continue;
    const types = name.replace(/\.js$/, ".d.ts");
    const typed = name.startsWith("shared-") ? [] : [types, `${types}.map`];
    for (const file of [`${name}.map`, ...typed]) {
      if (!existsSync(join(dist, file))) yield `dist/${file}`;
    }
    const { sources } = JSON.parse(readFileSync(join(dist, `${name}.map`), "utf8"));
    for (const source of sources) {
      const path = join(dist, dirname(name), source);
      if (!existsSync(path)) yield `${source}, which dist/${name}.map names`;
    }
  }
}

// What a text links to has to be in the package with it.
function* missingLinks() {
  for (const name of readdirSync(INSTALLED, { recursive: true })) {
    if (!name.endsWith(".md")) continue;
    const text = readFileSync(join(INSTALLED, name), "utf8").replace(/```.*?```/gs, "");
    for (const [, path] of text.matchAll(/\]\((?!#|https?:)([^)#\s]+)/g)) {
      if (!existsSync(join(INSTALLED, dirname(name), path))) {
        yield `${path}, to which ${name} links`;
      }
    }
  }
}

function isSameAgain() {
  const folder = mkdtempSync(join(tmpdir(), "torpor npm "));
  try {
    execFileSync("python3", [
      join(SOURCE, "js/tools/make-package.py"),
      ...["--node", process.execPath, "--engine", join(BUILD, "engine.wasm")],
      ...["--helper", join(BUILD, "npm/helper"), "--deps", join(SOURCE, "build/deps")],
      ...["--extensions", join(BUILD, "extensions")],
      ...["--out", folder],
    ]);
    const again = readFileSync(join(folder, TARBALL));
    return again.equals(readFileSync(join(BUILD, "npm", TARBALL)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const wrong = [...missingFiles(), ...missingMaps(), ...missingLinks()].map((name) =>
  `there is no ${name}`
);
if (description.dependencies !== undefined) wrong.push("it depends on other packages");
if (!isSameAgain()) wrong.push("made once more it has other bytes");
for (const text of wrong) console.log(`FAIL ${text}`);
if (wrong.length === 0) console.log(`ok   ${TARBALL}`);
process.exit(wrong.length === 0 ? 0 : 1);
