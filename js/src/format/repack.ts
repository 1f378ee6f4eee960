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
import { copyGiven, type GivenSnapshot } from "./given.js";
import { LEVEL, loadedZstd, loadZstd } from "./pack.js";
import { SnapshotWriter } from "./writer.js";

export interface PackOptions {
  /** zstd's, -131072 to 22: higher ones take longer; 1 when not given. */
  level?: number;
}

/** All sections, unpacked. */
function readAll(bytes: Uint8Array): Content[] {
  const container = readContainer(bytes, {
    memoryMax: MEMORY_LARGEST,
    zstd: loadedZstd(),
    wants: () => true,
  });
  const known = container.sections.filter((section) => section !== undefined);
  return [...known, ...container.others];
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
 * A snapshot with what has 32 KiB or more compressed, as the C library packs it.
 *
 * ```js
 * vm.evalCode("globalThis.notes = 'many words '.repeat(10000)");
 * const packed = await packSnapshot(vm.snapshot());
 * console.log(packed.length < 10000); // true
 * const again = await QuickJS.restore(packed);
 * ```
 */
export async function packSnapshot(
  snapshot: GivenSnapshot,
  options: PackOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = copyGiven(snapshot, "packSnapshot");
  const { level = LEVEL } = options;
  if (!Number.isInteger(level) || level < SAVE_LEVEL_SMALLEST || level > SAVE_LEVEL_LARGEST) {
    throw new MisuseError(
      `the level of packing is from ${SAVE_LEVEL_SMALLEST} to ${SAVE_LEVEL_LARGEST}`,
    );
  }
  const zstd = await loadZstd();
  const writer = new SnapshotWriter(bytes.slice(0, HEADER_SIZE));
  for (const section of readAll(bytes)) {
    if (section.data) writer.packedSection(section.type, section.data, zstd, level || LEVEL);
    else copySection(writer, bytes, section);
  }
  return writer.finish();
}

/**
 * The same snapshot stored, which is read faster.
 *
 * ```js
 * const packed = await packSnapshot(vm.snapshot());
 * const stored = await unpackSnapshot(packed);
 * ```
 */
export async function unpackSnapshot(
  snapshot: GivenSnapshot,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = copyGiven(snapshot, "unpackSnapshot");
  if (isPacked(bytes)) await loadZstd();
  const writer = new SnapshotWriter(bytes.slice(0, HEADER_SIZE));
  for (const section of readAll(bytes)) {
    if (section.data) writer.section(section.type, Parts.of(section.data));
    else copySection(writer, bytes, section);
  }
  return writer.finish();
}
