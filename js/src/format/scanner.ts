// SPDX-License-Identifier: MIT
//
// scanner.ts - what of a VM's memory differs from its baseline, or from what it
// was at an earlier snapshot, as runs (runs.ts).
//
//     0          stack_size        host part            limit
//     | left out | compared        | left out | compared | left out ...
//
// The stack is dead between entries, the host's part of the control block is
// written by each host anew, and beyond the limit (where the heap ends, or the
// baseline) all is zero. When a large VM is written whole, pages behind the
// baseline are taken whole, unless they are zero.
//
// Each engine has a helper whose memory holds its baseline, and a mirror of
// guest memory, into which the pages are copied that are compared there:
//
//     base | baseline, zeros | mirror | list of runs | touched | out
//
// Few pages of a small VM differ, and mostly the same ones each time: those are
// *hot*, and compared by the helper at once. Those between them are compared a
// stretch at a time first, by the host if it is fast at that.

import { CONTROL_SIZE, HOST_START } from "../abi.js";
import type { Engine } from "../engine.js";
import { areZero, Parts } from "./bytes.js";
import { comparable, type Compared, comparesFast, differs, findPages, PAGE } from "./compare.js";
import { Helper } from "./helper.js";
import { RunWriter } from "./runs.js";

/** From so many bytes behind the baseline on a VM is a large one: of the format. */
const WHOLE_FROM = 1 << 20;
/** Runs of whole pages end at multiples of this: of the format. */
const WHOLE_LARGEST = 1 << 18;

/** A run for each three words, of 8 bytes, is the most that there can be; whole
 * pages, so that what lies behind the list is aligned. */
const listSize = (size: number): number => Math.ceil((size / 24 + 2) * 8 / PAGE) * PAGE;
const PAGES_MOST = 2 ** 32 / PAGE;
/** What is kept free before `out`, for all that stands before the runs. */
export const HEAD_ROOM = 1 << 16;
const TAIL_ROOM = 4096;
/** Bytes that are compared at once where the host is not fast at that. */
const WINDOW = 8 * PAGE;
/** Saves for which a page stays hot though it did not differ. */
const HEAT = 16;

/** A stretch of pages, all hot or all cold. */
interface Stretch {
  start: number;
  end: number;
  hot: boolean;
}

/** What is compared with what it was: guest memory of an earlier time. */
export interface Before {
  /** As long as the limits of then and now, or longer; zero from `limit` on. */
  bytes: Uint8Array<ArrayBuffer>;
  compared: Compared;
  limit: number;
}

export class Scanner {
  readonly helper: Helper;
  /** Where what is written in the helper begins. */
  readonly out: number;
  private readonly low: number;
  private readonly size: number;
  private readonly stack: number;
  private readonly hostStart: number;
  private readonly hostEnd: number;
  private readonly baselineEnd: number;
  /** Add a guest address: where the baseline, and the mirror, has it. */
  private readonly base: number;
  private readonly mirror: number;
  private readonly list: number;
  private readonly touched: number;
  private readonly comparedBase: Compared;
  private readonly heat: Uint8Array;
  private plan: Stretch[] = [];
  private planEnd = 0;
  private views = new WeakMap<ArrayBuffer, Compared>();

  constructor(engine: Engine) {
    const { baseline, control, stackSize } = engine;
    this.stack = stackSize;
    this.hostStart = control + HOST_START;
    this.hostEnd = control + CONTROL_SIZE;
    this.baselineEnd = baseline.length;
    this.low = stackSize - (stackSize % PAGE);
    this.size = baseline.length - this.low + WHOLE_FROM + PAGE;
    const list = listSize(this.size);
    this.helper = new Helper(
      2 * this.size + 2 * list + PAGES_MOST + this.size + HEAD_ROOM + TAIL_ROOM,
    );
    const { base, u8 } = this.helper;
    this.base = base - this.low;
    this.mirror = this.base + this.size;
    this.list = base + 2 * this.size;
    this.touched = this.list + list;
    this.out = this.touched + PAGES_MOST + HEAD_ROOM;
    this.comparedBase = comparable(u8);
    this.heat = new Uint8Array((this.low + this.size) / PAGE);
    u8.set(baseline.subarray(this.low), base);
  }

  /** The end of what a snapshot keeps of memory whose heap ends at `heapBreak`. */
  limitOf(heapBreak: number, memory: number): number {
    const limit = Math.min(Math.ceil(heapBreak / 8) * 8, memory);
    return Math.max(limit, this.baselineEnd);
  }

  isLarge(limit: number): boolean {
    return limit >= this.baselineEnd + WHOLE_FROM;
  }

  // ---- Small VMs ------------------------------------------------------------

  /**
   * Writes the runs of a VM that is not large to `out` in the helper; gives
   * where they end.
   */
  writeSmall(memory: Uint8Array<ArrayBuffer>, limit: number): number {
    const { run } = this.helper;
    run.scan_start(this.list, this.touched);
    this.scanBaseline(memory, limit);
    return run.write_runs(this.mirror, 0, run.scan_stop(), 0, this.out);
  }

  /** The same as bytes of their own. */
  smallParts(memory: Uint8Array<ArrayBuffer>, limit: number): Parts {
    const end = this.writeSmall(memory, limit);
    return Parts.of(this.helper.u8.slice(this.out, end));
  }

  /** Scans memory up to `end`, which is not beyond what the mirror has. */
  private scanBaseline(memory: Uint8Array<ArrayBuffer>, end: number): void {
    if (this.planEnd !== end) this.makePlan(end);
    const seen = comparesFast ? this.viewOf(memory) : memory;
    for (const { start, end: stop, hot } of this.plan) {
      if (hot) this.scanHot(memory, start, stop);
      else this.scanCold(memory, seen, start, stop);
    }
    this.cool();
  }

  private viewOf(memory: Uint8Array<ArrayBuffer>): Compared {
    let view = this.views.get(memory.buffer);
    if (!view) this.views.set(memory.buffer, view = comparable(memory));
    return view;
  }

  private scanHot(memory: Uint8Array, start: number, end: number): void {
    this.helper.u8.set(memory.subarray(start, end), this.mirror + start);
    this.scanPart(start, end, this.stack, this.hostStart);
    this.scanPart(start, end, this.hostEnd, end);
  }

  /** The part of [start, end) that lies in [low, high). */
  private scanPart(start: number, end: number, low: number, high: number): void {
    const from = Math.max(start, low);
    const size = Math.min(end, high) - from;
    if (size > 0) {
      this.helper.run.scan(this.mirror + from, this.base + from, from, size);
    }
  }

  /** Finds pages that differ; they are hot from then on. */
  private scanCold(memory: Uint8Array, seen: Compared, start: number, end: number): void {
    if (comparesFast) return this.halve(memory, seen, start, end);
    for (let at = start; at < end; at += WINDOW) {
      this.look(memory, at, Math.min(at + WINDOW, end));
    }
  }

  /** Halves what differs until it is a page. */
  private halve(memory: Uint8Array, seen: Compared, start: number, end: number): void {
    const { comparedBase, base } = this;
    if (!differs(seen, start, comparedBase, base + start, end - start)) return;
    if (end - start <= PAGE) return this.warm(memory, start);
    const middle = start + Math.ceil((end - start) / (2 * PAGE)) * PAGE;
    this.halve(memory, seen, start, middle);
    this.halve(memory, seen, middle, end);
  }

  /** Compares a copy in a window, which stays in the processor's cache. */
  private look(memory: Uint8Array, start: number, end: number): void {
    const { run, u8 } = this.helper;
    u8.set(memory.subarray(start, end), this.out);
    let bits = run.compare(this.out, this.base + start, (end - start) / PAGE);
    for (let at = start; bits !== 0; at += PAGE, bits >>>= 1) {
      if (bits & 1) this.warm(memory, at);
    }
  }

  /** A cold page that differs. */
  private warm(memory: Uint8Array, start: number): void {
    this.heat[start / PAGE] = HEAT;
    this.planEnd = 0;
    this.scanHot(memory, start, start + PAGE);
  }

  /** Hot pages that did not differ for long are cold again. */
  private cool(): void {
    const { heat, touched } = this;
    const { u8 } = this.helper;
    for (const { start, end, hot } of this.plan) {
      if (!hot) continue;
      for (let page = start / PAGE; page * PAGE < end; page++) {
        if (u8[touched + page] === 1) {
          u8[touched + page] = 0;
          heat[page] = HEAT;
        } else if (heat[page]! > 0 && --heat[page]! === 0) this.planEnd = 0;
      }
    }
  }

  /** Pages of which a part is left out cannot be compared as one. */
  private isHot(start: number, end: number): boolean {
    return (
      this.heat[start / PAGE]! > 0 ||
      start < this.stack ||
      (end > this.hostStart && start < this.hostEnd) ||
      end - start < PAGE
    );
  }

  private makePlan(end: number): void {
    this.plan = [];
    for (let start = this.low; start < end; start += PAGE) {
      const stop = Math.min(start + PAGE, end);
      const hot = this.isHot(start, stop);
      const last = this.plan.at(-1);
      if (last?.hot === hot) last.end = stop;
      else this.plan.push({ start, end: stop, hot });
    }
    this.planEnd = end;
  }

  // ---- Large VMs ------------------------------------------------------------

  /** The runs of a large VM. `memory` is borrowed until they are joined. */
  writeLarge(memory: Uint8Array<ArrayBuffer>, limit: number): Parts {
    const { run } = this.helper;
    const writer = new RunWriter(new Parts());
    run.scan_start(this.list, this.touched);
    this.scanBaseline(memory, this.baselineEnd);
    this.drain(memory, run.scan_take(), writer);
    const words = new Uint32Array(memory.buffer);
    const start = run.scan_open_start();
    const goesOn = run.scan_open_end() === this.baselineEnd &&
      start < this.baselineEnd &&
      !areZero(words, this.baselineEnd / 4, (this.baselineEnd + PAGE) / 4);
    if (!goesOn) this.drain(memory, run.scan_stop(), writer);
    const first = goesOn ? start : this.baselineEnd;
    this.takePages(memory, words, limit, first, writer);
    return writer.out;
  }

  /** Writes the first `runs` runs of the list. */
  private drain(memory: Uint8Array, runs: number, writer: RunWriter): void {
    const { u32 } = this.helper;
    const first = this.list / 4;
    for (let at = first; at < first + 2 * runs; at += 2) {
      writer.write(memory, u32[at]!, u32[at + 1]!);
    }
  }

  /**
   * Takes pages behind the baseline whole, but for those that are zero. `start`
   * is where a run begins that reaches the end of the baseline, or that end.
   */
  private takePages(
    memory: Uint8Array,
    words: Uint32Array,
    limit: number,
    start: number,
    writer: RunWriter,
  ): void {
    let end = this.baselineEnd;
    const flush = (): void => {
      if (start < end) writer.write(memory, start, end);
      start = end;
    };
    for (let at = this.baselineEnd; at < limit; at += PAGE) {
      const stop = Math.min(at + PAGE, limit);
      if (!areZero(words, at / 4, stop / 4)) {
        if (at !== end || start === end) {
          flush();
          start = at;
        }
        end = stop;
      }
      if (stop % WHOLE_LARGEST === 0) flush();
    }
    flush();
  }

  // ---- Differences ----------------------------------------------------------

  /**
   * The runs of what changed since `before`, which is brought up to date.
   * `memory` is borrowed until they are joined.
   */
  writeSince(
    memory: Uint8Array<ArrayBuffer>,
    limit: number,
    before: Before,
  ): Parts {
    const { run } = this.helper;
    const writer = new RunWriter(new Parts());
    const seen = comparable(memory);
    const changed: number[] = [];
    run.scan_start(this.list, this.touched);
    findPages(seen, before.compared, this.low, limit, (start, end) => {
      this.scanPage(memory, before, start, end);
      this.drainPage(memory, start, run.scan_take(), writer);
      changed.push(start, end);
    });
    this.drain(memory, run.scan_stop(), writer);
    if (limit < before.limit) writeDropped(before, limit, writer);
    for (let i = 0; i < changed.length; i += 2) {
      const start = changed[i]!;
      before.bytes.set(memory.subarray(start, changed[i + 1]), start);
      this.helper.u8[this.touched + start / PAGE] = 0;
    }
    before.limit = limit;
    return writer.out;
  }

  /** Where the page lies, in the mirror, that is compared with what it was. */
  private get page(): number {
    return this.mirror + this.low;
  }

  /**
   * Writes the runs of the list: the first may have begun in an earlier page,
   * the others lie in the one that was scanned, at `start`.
   */
  private drainPage(
    memory: Uint8Array,
    start: number,
    runs: number,
    writer: RunWriter,
  ): void {
    const { run, u8, u32 } = this.helper;
    const list = this.list / 4;
    const first = runs > 0 && u32[list]! < start ? 1 : 0;
    this.drain(memory, first, writer);
    if (runs === first) return;
    const to = this.out + PAGE;
    const end = run.write_runs(this.page - start, first, runs, writer.written, to);
    writer.writeBytes(u8.slice(to, end), u32[list + 2 * runs - 1]!);
  }

  private scanPage(
    memory: Uint8Array,
    before: Before,
    start: number,
    end: number,
  ): void {
    const { u8 } = this.helper;
    const { page } = this;
    u8.set(memory.subarray(start, end), page);
    u8.set(before.bytes.subarray(start, end), this.out);
    this.scanAt(page - start, this.out - start, start, end, this.stack, this.hostStart);
    this.scanAt(page - start, this.out - start, start, end, this.hostEnd, end);
  }

  private scanAt(
    bytes: number,
    base: number,
    start: number,
    end: number,
    low: number,
    high: number,
  ): void {
    const from = Math.max(start, low);
    const size = Math.min(end, high) - from;
    if (size > 0) this.helper.run.scan(bytes + from, base + from, from, size);
  }
}

/** What the program gave back since becomes one run of zeros. */
function writeDropped(before: Before, limit: number, writer: RunWriter): void {
  const { bytes } = before;
  let start = limit;
  let end = before.limit;
  while (start < end && bytes[start] === 0) start++;
  while (start < end && bytes[end - 1] === 0) end--;
  if (start < end) writer.writeZeros(start, end);
  bytes.fill(0, limit, before.limit);
}
