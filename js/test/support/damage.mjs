// SPDX-License-Identifier: MIT
//
// damage.mjs - snapshots that are almost right, made of good ones by a seeded
// sequence of numbers.
//
// A snapshot is taken apart, one thing in it is spoiled, and it is put together
// again: lengths, links and checksums are right wherever the damage is not just
// that. So readers are reached in their depths.

const HEADER = 96;
const MEMORY = 5;

/** Numbers from 0 up to 2^32, the same ones for each seed. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return (x ^ (x >>> 15)) >>> 0;
  };
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

export function checksum(bytes) {
  let sum = -1;
  for (const byte of bytes) sum = (sum >>> 8) ^ table[(sum ^ byte) & 255];
  return ~sum >>> 0;
}

export function takeApart(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const sections = [];
  let at = HEADER;
  while (at < bytes.length - 4) {
    const stored = view.getBigUint64(at + 16, true);
    sections.push({
      type: view.getUint32(at, true),
      method: view.getUint32(at + 4, true),
      raw: view.getBigUint64(at + 8, true),
      stored,
      content: bytes.slice(at + 24, at + 24 + Number(stored)),
    });
    at += 24 + Number(stored);
  }
  return { header: bytes.slice(0, HEADER), sections, count: undefined };
}

export function putTogether({ header, sections, count }) {
  const size = sections.reduce((sum, { content }) => sum + 24 + content.length, HEADER);
  const bytes = new Uint8Array(size + 4);
  const view = new DataView(bytes.buffer);
  bytes.set(header);
  view.setUint32(88, count ?? sections.length, true);
  let at = HEADER;
  for (const { type, method, raw, stored, content } of sections) {
    view.setUint32(at, type, true);
    view.setUint32(at + 4, method, true);
    view.setBigUint64(at + 8, raw, true);
    view.setBigUint64(at + 16, stored, true);
    bytes.set(content, at + 24);
    at += 24 + content.length;
  }
  view.setUint32(size, checksum(bytes.subarray(0, size)), true);
  return bytes;
}

/** Gives a section other content, with sizes that fit. */
function fill(section, content) {
  if (section.method === 0) section.raw = BigInt(content.length);
  section.stored = BigInt(content.length);
  section.content = content;
}

/** Numbers at which readers decide. */
const EDGES = [
  0,
  1,
  2,
  3,
  5,
  6,
  7,
  63,
  64,
  65,
  95,
  97,
  4096,
  8192,
  8193,
  65535,
  65536,
  2 ** 20,
  2 ** 20 + 1,
  65519,
  65520,
  65521,
  2 ** 31,
  2 ** 32 - 1,
];

const u64 = (next) => {
  const pick = next() % 3;
  const edge = BigInt(EDGES[next() % EDGES.length]);
  if (pick === 0) return edge;
  if (pick === 1) return (1n << 64n) - 1n - edge;
  return (BigInt(next()) << 32n) | BigInt(next());
};

function varint(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

/** Each spoils `parts` (of takeApart), with numbers from `next`. */
const kinds = {
  header({ header }, next) {
    const at = [8, 12, 80, 84, 88, 92][next() % 6];
    new DataView(header.buffer).setUint32(
      at,
      next() % 2 ? EDGES[next() % EDGES.length] : next(),
      true,
    );
  },
  pages({ header }, next) {
    const sizes = [0, 1, 22, 1000, 8192, 8193, 65520, 65521, 2 ** 32 - 1];
    new DataView(header.buffer).setUint32(80, sizes[next() % sizes.length], true);
  },
  headerByte({ header }, next) {
    header[next() % HEADER] ^= 1 << next() % 8;
  },
  type({ sections }, next) {
    sections[next() % sections.length].type = EDGES[next() % EDGES.length];
  },
  method({ sections }, next) {
    sections[next() % sections.length].method = next() % 5;
  },
  raw({ sections }, next) {
    sections[next() % sections.length].raw = u64(next);
  },
  rawNear({ sections }, next) {
    sections[next() % sections.length].raw += next() % 2 ? 1n : -1n;
  },
  stored({ sections }, next) {
    sections[next() % sections.length].stored = u64(next);
  },
  storedNear({ sections }, next) {
    sections[next() % sections.length].stored += BigInt(next() % 60) - 30n;
  },
  byte({ sections }, next) {
    const { content } = sections[next() % sections.length];
    content[next() % content.length] = next();
  },
  bit({ sections }, next) {
    const { content } = sections[next() % sections.length];
    content[next() % content.length] ^= 1 << next() % 8;
  },
  cut({ sections }, next) {
    const section = sections[next() % sections.length];
    fill(section, section.content.slice(0, next() % (section.content.length + 1)));
  },
  longer({ sections }, next) {
    const section = sections[next() % sections.length];
    fill(section, Uint8Array.of(...section.content.slice(-3000), next()));
  },
  drop({ sections }, next) {
    sections.splice(next() % sections.length, 1);
  },
  copy({ sections }, next) {
    const at = next() % sections.length;
    sections.splice(at, 0, { ...sections[at] });
  },
  swap({ sections }, next) {
    const a = next() % sections.length;
    const b = next() % sections.length;
    [sections[a], sections[b]] = [sections[b], sections[a]];
  },
  add({ sections }, next) {
    const content = Uint8Array.of(0x80);
    const section = {
      type: EDGES[next() % EDGES.length],
      method: next() % 4,
      raw: 1n,
      stored: 1n,
      content,
    };
    sections.push(section);
    if (next() % 2) sections.sort((a, b) => a.type - b.type);
  },
  count(parts, next) {
    parts.count = next() % 2 ? parts.sections.length + (next() % 5) - 2 : next();
  },
  run({ sections }, next) {
    const memory = sections.find(({ type }) => type === MEMORY);
    if (!memory || memory.method !== 0) return;
    const gap = next() % 2 ? next() % 2 ** 21 : next() * (next() % 5);
    const length = next() % 3 ? next() % 70 : next();
    const zero = next() % 2;
    const bytes = zero ? [] : Array(Math.min(length, 50)).fill(7);
    const run = [...varint(gap), ...varint(2 * length + zero), ...bytes];
    if (next() % 4 === 0) run.splice(next() % 2, 0, 0x80);
    fill(memory, next() % 2 ? Uint8Array.from(run) : Uint8Array.from([...memory.content, ...run]));
  },
};

/** Spoils what was put together; the checksum is wrong after that. */
const after = {
  flip(bytes, next) {
    bytes[next() % bytes.length] ^= 1 << next() % 8;
    return bytes;
  },
  truncate: (bytes, next) => bytes.slice(0, next() % bytes.length),
  more: (bytes, next) => Uint8Array.of(...bytes.slice(0, 200), next()),
};

/** A good snapshot spoiled in one to three ways, and in which. */
export function damage(bytes, next) {
  const parts = takeApart(bytes);
  const names = Object.keys(kinds);
  const done = [];
  for (let count = 1 + (next() % 8 === 0) + (next() % 8 === 0); count > 0; count--) {
    if (parts.sections.length === 0) break;
    const name = names[next() % names.length];
    done.push(name);
    kinds[name](parts, next);
    for (const section of parts.sections) {
      section.raw = BigInt.asUintN(64, section.raw);
      section.stored = BigInt.asUintN(64, section.stored);
    }
  }
  let spoiled = putTogether(parts);
  if (next() % 12 === 0) {
    const names = Object.keys(after);
    const name = names[next() % names.length];
    done.push(name);
    spoiled = after[name](spoiled, next);
  }
  return { bytes: spoiled, done: done.join("+") };
}
