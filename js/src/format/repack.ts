// SPDX-License-Identifier: MIT
//
// repack.ts - a stored snapshot as a packed one, and the reverse.
//
// What is packed is smaller, and takes longer to write and to wake from. The
// bytes are others, and so is the id: a difference from the one is not a
// difference from the other.

import { MEMORY_LARGEST, SAVE_LEVEL_LARGEST, SAVE_LEVEL_SMALLEST } from "../abi.js";
import { MisuseError } from "../errors.js";
import { Parts } from "./bytes.js";
import { type Content, isPacked, readContainer } from "./container.js";
import { HEADER_SIZE, SECTION_SIZE } from "./format.js";
import { LEVEL, loadedZstd, loadZstd } from "./pack.js";
import { SnapshotWriter } from "./writer.js";

export interface PackOptions {
  /** zstd's, -131072 to 22: higher ones take longer; 1 when not given. */
  level?: number;
}

/** Its own copy, since packing waits; all sections are unpacked. */
function readAll(snapshot: unknown): { bytes: Uint8Array; sections: Content[] } {
  if (!(snapshot instanceof Uint8Array)) {
    throw new MisuseError("a snapshot is a Uint8Array");
  }
  const bytes = new Uint8Array(snapshot);
  const container = readContainer(bytes, {
    memoryMax: MEMORY_LARGEST,
    zstd: loadedZstd(),
    wants: () => true,
  });
  const known = container.sections.filter((section) => section !== undefined);
  return { bytes, sections: [...known, ...container.others] };
}

/** What is not known stays as it is. */
function copySection(
  writer: SnapshotWriter,
  bytes: Uint8Array,
  { at, storedSize }: Content,
): void {
  writer.copiedSection(bytes.subarray(at, at + SECTION_SIZE + storedSize));
}

/**
 * A snapshot with what has 32 KiB or more compressed, as the C library packs
 * it.
 *
 * ```js
 * const packed = await packSnapshot(vm.snapshot());
 * ```
 */
export async function packSnapshot(
  snapshot: Uint8Array,
  options: PackOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { level = LEVEL } = options;
  if (!Number.isInteger(level) || level < SAVE_LEVEL_SMALLEST || level > SAVE_LEVEL_LARGEST) {
    throw new MisuseError(
      `the level of packing is from ${SAVE_LEVEL_SMALLEST} to ${SAVE_LEVEL_LARGEST}`,
    );
  }
  const zstd = await loadZstd();
  const { bytes, sections } = readAll(snapshot);
  const writer = new SnapshotWriter(bytes.slice(0, HEADER_SIZE));
  for (const section of sections) {
    if (section.data) writer.packedSection(section.type, section.data, zstd, level || LEVEL);
    else copySection(writer, bytes, section);
  }
  return writer.finish();
}

/** The same snapshot stored, which is how it is read without waiting. */
export async function unpackSnapshot(
  snapshot: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  if (snapshot instanceof Uint8Array && isPacked(snapshot)) await loadZstd();
  const { bytes, sections } = readAll(snapshot);
  const writer = new SnapshotWriter(bytes.slice(0, HEADER_SIZE));
  for (const section of sections) {
    if (!section.data) {
      copySection(writer, bytes, section);
      continue;
    }
    const content = new Parts();
    content.add(section.data);
    writer.section(section.type, content);
  }
  return writer.finish();
}
