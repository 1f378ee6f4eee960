// SPDX-License-Identifier: MIT
//
// writer.ts - putting the frame of a snapshot together: header, sections,
// checksum (format.ts).

import { Parts, writeU32, writeU64 } from "./bytes.js";
import { crc32 } from "./crc32.js";
import {
  AT_ENGINE,
  AT_FLAGS,
  AT_HEADER,
  AT_PAGES,
  AT_PARENT,
  AT_SECTIONS,
  AT_VERSION,
  CHECKSUM_SIZE,
  FLAG_PARENT,
  HEADER_SIZE,
  MAGIC,
  METHOD_STORED,
  SECTION_SIZE,
  VERSION,
} from "./format.js";
import { LEVEL, type Zstd } from "./pack.js";

export function makeHeader(
  engine: Uint8Array,
  pages: number,
  parent?: Uint8Array,
): Uint8Array {
  const header = new Uint8Array(HEADER_SIZE);
  header.set(MAGIC);
  writeU32(header, AT_VERSION, VERSION);
  writeU32(header, AT_HEADER, HEADER_SIZE);
  header.set(engine, AT_ENGINE);
  writeU32(header, AT_PAGES, pages);
  if (parent) {
    header.set(parent, AT_PARENT);
    writeU32(header, AT_FLAGS, FLAG_PARENT);
  }
  return header;
}

export function makeSectionHead(
  type: number,
  method: number,
  rawSize: number,
  storedSize: number,
): Uint8Array {
  const head = new Uint8Array(SECTION_SIZE);
  writeU32(head, 0, type);
  writeU32(head, 4, method);
  writeU64(head, 8, rawSize);
  writeU64(head, 16, storedSize);
  return head;
}

/** Writes sections, and in the end the whole. */
export class SnapshotWriter {
  private readonly parts = new Parts();
  private sections = 0;

  constructor(header: Uint8Array) {
    this.parts.add(header);
  }

  section(type: number, content: Parts): void {
    this.head(type, METHOD_STORED, content.size, content.size);
    this.parts.addParts(content);
  }

  /** The same, compressed when that makes it smaller. */
  packedSection(
    type: number,
    content: Uint8Array,
    zstd: Zstd,
    level = LEVEL,
  ): void {
    const { method, stored } = zstd.pack(content, level);
    this.head(type, method, content.length, stored.length);
    this.parts.add(stored);
  }

  /** A section as it stood in another snapshot, head and all. */
  copiedSection(bytes: Uint8Array): void {
    this.sections++;
    this.parts.add(bytes);
  }

  finish(): Uint8Array<ArrayBuffer> {
    const { size } = this.parts;
    const bytes = this.parts.join(CHECKSUM_SIZE);
    writeU32(bytes, AT_SECTIONS, this.sections);
    writeU32(bytes, size, crc32(bytes.subarray(0, size)));
    return bytes;
  }

  private head(
    type: number,
    method: number,
    rawSize: number,
    storedSize: number,
  ): void {
    this.sections++;
    this.parts.add(makeSectionHead(type, method, rawSize, storedSize));
  }
}
