// SPDX-License-Identifier: MIT
//
// attach.ts - putting what a durable run is besides its VM into a snapshot.
// That makes another snapshot, with another id; who wakes it ignores the rest.

import { MEMORY_LARGEST } from "../abi.js";
import { LimitError } from "../errors.js";
import { Parts } from "./bytes.js";
import { readContainer } from "./container.js";
import { HEADER_SIZE, SECTION_LARGEST, SECTION_RUN, SECTION_SIZE } from "./format.js";
import { SnapshotWriter } from "./writer.js";

/** The stored snapshot in `bytes` with `run`, which is CBOR, in place of what was attached to it. */
export function attachRun(bytes: Uint8Array, run: Uint8Array): Uint8Array<ArrayBuffer> {
  if (run.length > SECTION_LARGEST) {
    throw new LimitError(
      `the files, extensions and input of a run take ${run.length} bytes; the most is ${SECTION_LARGEST}`,
    );
  }
  const container = readContainer(bytes, {
    memoryMax: MEMORY_LARGEST,
    zstd: undefined,
    wants: () => false,
  });
  const writer = new SnapshotWriter(bytes.slice(0, HEADER_SIZE));
  for (const section of container.sections) {
    if (!section || section.type === SECTION_RUN) continue;
    const { at, storedSize } = section;
    writer.copiedSection(bytes.subarray(at, at + SECTION_SIZE + storedSize));
  }
  const content = new Parts();
  content.add(run);
  writer.section(SECTION_RUN, content);
  for (const { at, storedSize } of container.others) {
    writer.copiedSection(bytes.subarray(at, at + SECTION_SIZE + storedSize));
  }
  return writer.finish();
}
