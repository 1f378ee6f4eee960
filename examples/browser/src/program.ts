// SPDX-License-Identifier: MIT
//
// program.ts - a program that runs in a VM, turn by turn.
//
// A turn begins when something comes that the program waits for, and ends when
// it waits again. After each the VM is saved, as its difference from the turn
// before: so the program can go back to any of them.
//
//  (1) Nothing performs anything for the VM between its turns but `schedule`.
//      A program that stands still is one for which that is not called.
//  (2) What it printed is the page's: the lines are counted in each turn.

import { BrokenError, type JSValueHandle, QuickJS } from "torpor-vm";
import type { Operation, Options, Snapshot, WaitingPlace } from "torpor-vm";

export const FILE = "main.mjs";
/** Milliseconds for which a turn may compute. */
const DEADLINE = 2000;
/** A chain of differences ends after so many, and a whole snapshot begins the next. */
const CHAIN = 64;
const TURNS_MOST = 512;
const LONGEST = 0x7fffffff;

export type Level = "debug" | "log" | "info" | "warn" | "error";

export interface Line {
  level: Level;
  text: string;
}

/** The VM at the end of a turn. */
export interface Turn {
  number: number;
  /** A snapshot, or the difference from the turn before. */
  bytes: Uint8Array;
  whole: boolean;
  /** How many lines had been printed. */
  lines: number;
  /** How long saving took, in microseconds. */
  micros: number;
}

/** A program that sleeps: all of it, as it is stored. */
export interface Asleep {
  source: string;
  bytes: Uint8Array;
  micros: number;
  lines: Line[];
  turns: Turn[];
}

export type State = "running" | "standing" | "done" | "failed";

export function microsSince(begin: number): number {
  return Math.round((performance.now() - begin) * 1000);
}

export class Program {
  readonly source: string;
  state: State = "running";
  /** Where it is in `turns`. */
  at = -1;
  /** How long waking took, in microseconds. */
  wokeIn: number | undefined;
  readonly turns: Turn[] = [];
  readonly lines: Line[] = [];
  private vm!: QuickJS;
  /** What the next turn is a difference from, and how many were since the last whole one. */
  private last: Snapshot | undefined;
  private differences = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly changed: () => void;

  private constructor(source: string, changed: () => void) {
    this.source = source;
    this.changed = changed;
  }

  // ---- Beginning and ending -----------------------------------------------------

  static async start(source: string, changed: () => void): Promise<Program> {
    const program = new Program(source, changed);
    program.vm = program.bind(await QuickJS.create(program.options()));
    program.turn(() => {
      const main = program.vm.evalCode(source, FILE, { module: true });
      if (main.isException) return program.fail(main);
      // Exported first of all: whoever goes on with it finds it by that number.
      program.vm.exportHandle(main);
      program.vm.markPromiseHandled(main);
    });
    return program;
  }

  static async wake(asleep: Asleep, changed: () => void): Promise<Program> {
    const program = await Program.copy(asleep, changed);
    program.turn(() => {});
    return program;
  }

  /** As it slept, standing still. */
  static async copy(asleep: Asleep, changed = () => {}): Promise<Program> {
    const program = new Program(asleep.source, changed);
    program.turns.push(...asleep.turns);
    program.lines.push(...asleep.lines);
    program.at = program.turns.length - 1;
    program.state = "standing";
    await program.restore([asleep.bytes]);
    return program;
  }

  /** Puts it to sleep: what is left of it are bytes. */
  sleep(): Asleep {
    const { source } = this;
    const begin = performance.now();
    const { bytes } = this.vm.snapshot();
    const micros = microsSince(begin);
    const asleep = {
      source,
      bytes,
      micros,
      lines: this.lines.slice(0, this.shownLines),
      turns: this.turns.slice(0, this.at + 1),
    };
    this.end();
    return asleep;
  }

  end(): void {
    clearTimeout(this.timer);
    this.vm.dispose();
  }

  private options(): Options {
    return {
      deadline: DEADLINE,
      memoryLimit: 64 << 20,
      console: (level, text) => void this.lines.push({ level, text }),
      onUnhandledRejection: (_promise, reason, isHandled) => {
        if (!isHandled) this.fail(reason, "unhandled rejection: ");
      },
    };
  }

  /** What "torpor:run" asks its host, which goes by name in every VM of the program. */
  private bind(vm: QuickJS): QuickJS {
    vm.registerHostCallback("torpor:run.input", () => undefined);
    vm.registerHostCallback("torpor:run.upgrade", () => undefined);
    vm.registerHostCallback("torpor:run.id", () => "program");
    vm.registerHostCallback("torpor:run.step", () => this.nextNumber);
    return vm;
  }

  private async restore(chain: Uint8Array[]): Promise<void> {
    const begin = performance.now();
    const vm = await QuickJS.restore(chain, this.options());
    this.wokeIn = microsSince(begin);
    this.vm = this.bind(vm);
    this.last = undefined;
  }

  // ---- Turns --------------------------------------------------------------------

  /** Hands something to the program, lets it run until it waits again, and saves it. */
  private turn(hand: () => void): void {
    clearTimeout(this.timer);
    this.state = "running";
    try {
      hand();
      if (this.state === "running") this.vm.executePendingJobs();
    } catch (error) {
      this.stop(String(error));
    }
    try {
      if (this.state === "running") this.look();
      this.save();
    } catch (error) {
      if (!(error instanceof BrokenError)) throw error;
      this.state = "failed";
    }
    this.schedule();
    this.changed();
  }

  /** Looks how the main module ended, if it did. */
  private look(): void {
    using main = this.vm.importHandle(1);
    if (main.promiseState === 0) return;
    if (main.promiseState === 2) {
      this.vm.resolvePromise(main).then(({ error }) => error && this.failLate(error), () => {});
      this.state = "failed";
    } else if (this.vm.pendingOperations().length === 0) this.state = "done";
  }

  /** The turn is over by now. */
  private failLate(error: JSValueHandle): void {
    this.fail(error);
    error.dispose();
    const turn = this.turns.at(-1);
    if (turn) turn.lines = this.lines.length;
  }

  private fail(error: JSValueHandle, before = ""): void {
    const read = this.vm.dump(error);
    this.stop(
      before + (read instanceof Error ? `${read}\n${read.stack ?? ""}`.trim() : String(read)),
    );
  }

  private stop(text: string): void {
    this.lines.push({ level: "error", text });
    this.state = "failed";
    this.changed();
  }

  private get nextNumber(): number {
    return (this.turns[this.at]?.number ?? 0) + 1;
  }

  private save(): void {
    const begin = performance.now();
    const since = this.differences < CHAIN ? this.last : undefined;
    const snapshot = this.vm.snapshot(since ? { since } : {});
    const micros = microsSince(begin);
    const number = this.nextNumber;
    this.last = snapshot;
    this.differences = since ? this.differences + 1 : 0;
    this.at = this.turns.push({
      number,
      bytes: snapshot.bytes,
      whole: !since,
      lines: this.lines.length,
      micros,
    }) - 1;
    this.forgetOldest();
  }

  /** The oldest turns, up to the next that is whole. */
  private forgetOldest(): void {
    if (this.turns.length <= TURNS_MOST) return;
    const next = this.turns.findIndex(({ whole }, i) => whole && i > 0);
    this.turns.splice(0, next);
    this.at -= next;
  }

  // ---- Time ---------------------------------------------------------------------

  /** Waits for what is due first. */
  private schedule(): void {
    if (this.state !== "running") return;
    const [first] = this.waiting.filter(({ due }) => due !== undefined)
      .sort((a, b) => a.due! - b.due! || a.id - b.id);
    if (first === undefined) return;
    const ms = Math.min(Math.max(Math.ceil(first.due! - Date.now()), 0), LONGEST);
    this.timer = setTimeout(() => {
      if (first.due! > Date.now()) this.schedule();
      else this.turn(() => this.vm.settleOperation(first.id, outcomeOf(first)));
    }, ms);
  }

  /** What it waits for. */
  get waiting(): Operation[] {
    return this.vm.pendingOperations();
  }

  /** Where its functions wait. */
  get places(): WaitingPlace[] {
    return this.vm.waiting();
  }

  /** Sends it the signal that an operation waits for. */
  send(id: number, value: unknown): void {
    this.turn(() => this.vm.settleOperation(id, { value }));
  }

  // ---- Back and on --------------------------------------------------------------

  /** How many of the lines had been printed where it is. */
  get shownLines(): number {
    return this.state === "standing" ? this.turns[this.at]!.lines : this.lines.length;
  }

  /** Stands still as it was after a turn. */
  async goTo(at: number): Promise<void> {
    this.end();
    let from = at;
    while (!this.turns[from]!.whole) from--;
    await this.restore(this.turns.slice(from, at + 1).map(({ bytes }) => bytes));
    this.at = at;
    this.state = "standing";
    this.changed();
  }

  /** Goes on from where it stands; what came after that is forgotten. */
  goOn(): void {
    this.lines.length = this.shownLines;
    this.turns.length = this.at + 1;
    this.turn(() => {});
  }

  // ---- Elsewhere ----------------------------------------------------------------

  /** A file that `torpor import` takes. */
  export(): Uint8Array {
    return this.vm.exportRun({ id: "program", program: FILE, files: { [FILE]: this.source } });
  }
}

/** A timer is over; a signal that has a time did not come. */
function outcomeOf({ kind }: Operation): { value: unknown } | { error: unknown } {
  if (kind === "timer") return { value: undefined };
  const error = new Error("nothing came in time");
  error.name = "TimeoutError";
  return { error };
}
