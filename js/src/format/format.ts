// SPDX-License-Identifier: MIT
//
// format.ts - the numbers of docs/snapshot-format.md.
//
//      0  magic 89 54 4f 52 50 0d 0a 1a
//      8  u32 version, u32 size of this header (96)
//     16  engine id, 32 bytes; 48  parent id, 32 bytes, zero: the baseline
//     80  u32 pages, u32 flags (bit 0: a parent), u32 number of sections,
//         u32 reserved (0)
//     96  sections: u32 type, u32 method, u64 raw size, u64 stored size, bytes
//    end  u32 CRC-32 of all before

export const MAGIC = Uint8Array.of(0x89, 0x54, 0x4f, 0x52, 0x50, 0x0d, 0x0a, 0x1a);
export const VERSION = 1;

export const AT_VERSION = 8;
export const AT_HEADER = 12;
export const AT_ENGINE = 16;
export const AT_PARENT = 48;
export const AT_PAGES = 80;
export const AT_FLAGS = 84;
export const AT_SECTIONS = 88;
export const AT_RESERVED = 92;
export const HEADER_SIZE = 96;
export const SECTION_SIZE = 24;
export const CHECKSUM_SIZE = 4;

export const FLAG_PARENT = 1;

export const SECTION_GLOBALS = 1;
export const SECTION_EXTENSIONS = 2;
export const SECTION_OPERATIONS = 3;
export const SECTION_WAITING = 4;
export const SECTION_MEMORY = 5;
export const SECTION_RUN = 6;
export const SECTION_END = 7;
/** Sections that a reader does not know are skipped from here on. */
export const SECTION_SKIPPED = 64;
/** The most that all sections but memory may take, unpacked. */
export const SECTION_LARGEST = 256 * 2 ** 20;

export const METHOD_STORED = 0;
export const METHOD_ZSTD = 1;
export const METHOD_FRAMES = 2;
export const METHOD_END = 3;

export const GLOBALS_SIZE = 8;
/** A page of memory, of the unit in which it grows. */
export const WASM_PAGE = 65536;
