// SPDX-License-Identifier: MIT
//
// sleeper.mjs - the C library beside this package: sleeper.c, as a function.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** Compiles sleeper.c into `folder`: a function that gives what it prints for its commands. */
export function makeSleeper(folder, source, build) {
  const program = join(folder, "sleeper");
  execFileSync(process.env.TORPOR_CC ?? "cc", [
    ...["-std=gnu11", "-O1", "-I", join(source, "include")],
    join(source, "js/test/support/sleeper.c"),
    ...["-L", build, "-ltorpor", `-Wl,-rpath,${build}`, "-o", program],
  ]);
  return (commands, variables = {}) =>
    execFileSync(program, {
      cwd: folder,
      input: commands,
      encoding: "utf8",
      env: { ...process.env, ...variables },
      stdio: "pipe",
    });
}

let written = 0;

/** The command for code that may have several lines, where a command is one. */
export function running(folder, code) {
  const file = `code-${written++}.js`;
  writeFileSync(join(folder, file), code);
  return `run ${file}`;
}
