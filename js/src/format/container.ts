// SPDX-License-Identifier: MIT
//
// container.ts - reading the frame of a snapshot: header, sections, checksum.
// It knows nothing of VMs, so that a snapshot can be looked into without an
// engine. The bytes: format.ts, docs/snapshot-format.md.
//
//  (1) A reader believes no length before it has compared it with what is
//      there, and allocates no more than the VM may have memory.
//  (2) The order of checks is: magic, version, checksum, the rest. So a newer
//      snapshot is called newer and a damaged one damaged.

import { MEMORY_LARGEST } from "../abi.js";
import {
  ChecksumError,
  FormatError,
  KeyError,
  LimitError,
  MisuseError,
  NewerError,
} from "../errors.js";
import { equalBytes, isZero, readU32, readU64 } from "./bytes.js";
import { crc32 } from "./crc32.js";
import {
  AT_ENGINE,
  AT_FLAGS,
  AT_HEADER,
  AT_PAGES,
  AT_PARENT,
  AT_RESERVED,
  AT_SECTIONS,
  AT_VERSION,
  CHECKSUM_SIZE,
  FLAG_PARENT,
  HEADER_SIZE,
  MAGIC,
  METHOD_END,
  METHOD_STORED,
  SECTION_END,
  SECTION_GLOBALS,
  SECTION_LARGEST,
  SECTION_MEMORY,
  SECTION_OPERATIONS,
  SECTION_RUN,
  SECTION_SIZE,
  SECTION_SKIPPED,
  VERSION,
  WASM_PAGE,
} from "./format.js";
import type { Zstd } from "./pack.js";
import { isProtected } from "./protect.js";
import { ID_SIZE } from "./sha256.js";

/** One section. */
export interface Content {
  type: number;
  method: number;
  /** Where its head is. */
  at: number;
  rawSize: number;
  storedSize: number;
  /** Unpacked; undefined: it was left packed. */
  data: Uint8Array | undefined;
}

/** A snapshot that was read; what it holds is borrowed from its bytes. */
export interface Container {
  version: number;
  engine: Uint8Array;
  /** What it is a difference from. */
  parent: Uint8Array | undefined;
  pages: number;
  /** Those that are known, by their type. */
  sections: (Content | undefined)[];
  /** Those that are skipped. */
  others: Content[];
}

/** What a reader does about it that differs. */
export interface ReadOptions {
  /** How much memory the VM may have. */
  memoryMax: number;
  /** Which packed sections are unpacked; others are only measured. */
  wants(type: number): boolean;
  /** Needed where a section is packed; without it such sections are not measured. */
  zstd: Zstd | undefined;
  /** The checksum was found right before, and the bytes did not change. */
  trusted?: boolean;
}

function damaged(what: string): never {
  throw new FormatError(
    `the snapshot is damaged or was cut off (${what}); use another copy of it`,
  );
}

/** FORMAT: `what` in the snapshot makes no sense, though its checksum is right. */
export function refuse(what: string): never {
  throw new FormatError(
    `the snapshot is damaged (${what}); use another copy of it`,
  );
}

export function isSnapshot(data: Uint8Array): boolean {
  return equalBytes(data.subarray(0, MAGIC.length), MAGIC);
}

function checkFrame(data: Uint8Array, trusted: boolean): void {
  if (isProtected(data)) {
    throw new KeyError(
      "the snapshot is protected; open it with its key first (unprotectSnapshot)",
    );
  }
  if (!isSnapshot(data)) {
    throw new FormatError("this is not a Torpor snapshot (bad magic)");
  }
  if (data.length < HEADER_SIZE + CHECKSUM_SIZE) damaged("it is too short");
  const version = readU32(data, AT_VERSION);
  if (version > VERSION) {
    throw new NewerError(
      `the snapshot has format version ${version}, this Torpor reads up to ${VERSION}; use the newer Torpor that made it`,
    );
  }
  const end = data.length - CHECKSUM_SIZE;
  if (!trusted && crc32(data.subarray(0, end)) !== readU32(data, end)) {
    throw new ChecksumError(
      "the snapshot's checksum does not match: its bytes were altered or cut off; use another copy of it",
    );
  }
  if (version === 0 || readU32(data, AT_HEADER) !== HEADER_SIZE) {
    damaged("its header");
  }
}

function readHeader(data: Uint8Array, memoryMax: number): Container {
  const flags = readU32(data, AT_FLAGS);
  const hasParent = (flags & FLAG_PARENT) !== 0;
  const parent = data.subarray(AT_PARENT, AT_PARENT + ID_SIZE);
  const pages = readU32(data, AT_PAGES);
  const memory = pages * WASM_PAGE;
  if ((flags & ~FLAG_PARENT) !== 0) {
    throw new NewerError(
      "the snapshot uses a feature that this Torpor does not know; use the newer one that made it",
    );
  }
  if (
    readU32(data, AT_RESERVED) !== 0 ||
    (!hasParent && !isZero(parent, 0, ID_SIZE))
  ) {
    damaged("its header");
  }
  if (memory > MEMORY_LARGEST) damaged("its memory's size");
  if (memory > memoryMax) {
    throw new LimitError(
      `the snapshot's VM has ${memory} bytes of memory, the limit is ${memoryMax}; raise memoryLimit in the options`,
    );
  }
  return {
    version: readU32(data, AT_VERSION),
    engine: data.subarray(AT_ENGINE, AT_ENGINE + ID_SIZE),
    parent: hasParent ? parent : undefined,
    pages,
    sections: [],
    others: [],
  };
}

/** No section is larger than the VM's memory, but for its own description and
 * for what an exported run has besides its VM. */
function largestContent(pages: number, type: number): number {
  const memory = pages * WASM_PAGE;
  if (
    type === SECTION_MEMORY ||
    (type !== SECTION_RUN && memory < SECTION_LARGEST)
  ) {
    return memory + HEADER_SIZE;
  }
  return SECTION_LARGEST;
}

function checkSection(head: Content, last: number): void {
  const { type, method } = head;
  if (type <= last) damaged("the order of its sections");
  if (type >= SECTION_SKIPPED) return;
  if (type >= SECTION_END || method >= METHOD_END) {
    throw new NewerError(
      `the snapshot has a section (type ${type}, method ${method}) that this Torpor does not know; use a newer one`,
    );
  }
}

function readContent(
  container: Container,
  head: Content,
  stored: Uint8Array,
  { zstd, wants }: ReadOptions,
): void {
  const { type, method, rawSize } = head;
  container.sections[type] = head;
  if (method === METHOD_STORED) {
    if (rawSize !== stored.length) damaged("a section's size");
    head.data = stored;
    return;
  }
  if (!zstd) {
    if (!wants(type)) return;
    throw new MisuseError("the snapshot is packed: load zstd first, which restore does by itself");
  }
  if (
    rawSize > largestContent(container.pages, type) ||
    !zstd.hasSize(method, stored, rawSize)
  ) {
    damaged("the size of a compressed section");
  }
  if (!wants(type)) return;
  head.data = zstd.unpack(method, stored, rawSize);
  if (!head.data) damaged("a compressed section");
}

/** The head of the section at `at`, whose bytes are there. */
function readHead(data: Uint8Array, at: number): Content {
  return {
    type: readU32(data, at),
    method: readU32(data, at + 4),
    at,
    rawSize: readU64(data, at + 8),
    storedSize: readU64(data, at + 16),
    data: undefined,
  };
}

function readSections(
  container: Container,
  data: Uint8Array,
  options: ReadOptions,
): void {
  const end = data.length - CHECKSUM_SIZE;
  const count = readU32(data, AT_SECTIONS);
  let at = HEADER_SIZE;
  let last = 0;
  for (let i = 0; i < count; i++) {
    if (end - at < SECTION_SIZE) damaged("its sections");
    const head = readHead(data, at);
    at += SECTION_SIZE;
    if (head.storedSize > end - at) damaged("a section's size");
    checkSection(head, last);
    last = head.type;
    const stored = data.subarray(at, at + head.storedSize);
    at += head.storedSize;
    if (head.type >= SECTION_SKIPPED) container.others.push(head);
    else readContent(container, head, stored, options);
  }
  if (at !== end) damaged("what follows its sections");
  for (const type of [SECTION_GLOBALS, SECTION_OPERATIONS, SECTION_MEMORY]) {
    if (!container.sections[type]) damaged("a missing section");
  }
}

/** Reads and checks `data`, which stays borrowed. */
export function readContainer(
  data: Uint8Array,
  options: ReadOptions,
): Container {
  checkFrame(data, options.trusted === true);
  const container = readHeader(data, options.memoryMax);
  readSections(container, data, options);
  return container;
}

/** Whether zstd is needed to read `data`, which may be anything. */
export function isPacked(data: Uint8Array): boolean {
  if (!isSnapshot(data) || data.length < HEADER_SIZE + CHECKSUM_SIZE) {
    return false;
  }
  const count = readU32(data, AT_SECTIONS);
  const end = data.length - CHECKSUM_SIZE;
  let at = HEADER_SIZE;
  for (let i = 0; i < count && end - at >= SECTION_SIZE; i++) {
    const { type, method, storedSize } = readHead(data, at);
    if (type < SECTION_END && method > METHOD_STORED && method < METHOD_END) {
      return true;
    }
    at += SECTION_SIZE + storedSize;
  }
  return false;
}
