// SPDX-License-Identifier: MIT
//
// main.ts - the page: a program is run, put to sleep, woken, taken back to an
// earlier turn, and downloaded.
//
// What is shown is made anew from the program whenever that changes, at most
// once for each frame.

import { type Operation, QuickJS, type WaitingPlace } from "torpor-vm";
import { markLines, setText, text, watchText } from "./editor.js";
import { type Asleep, FILE, type Line, Program, type State, type Turn } from "./program.js";
import sample from "./sample.mjs?raw";
import { forget, load, store } from "./store.js";
import {
  byId,
  bytesText,
  dueText,
  make,
  makeButton,
  microsText,
  setChildren,
  shortBytes,
} from "./view.js";

const TEXTS: Record<State, string> = {
  running: "runs",
  standing: "stands still",
  done: "has ended",
  failed: "has failed",
};

let program: Program | undefined;
let asleep: Asleep | undefined;
/** What happened last, beside the state. */
let note = "";

// ---- What is done -----------------------------------------------------------------

async function run(): Promise<void> {
  program?.end();
  program = undefined;
  note = "";
  await rouse();
  program = await Program.start(text(), changed);
}

async function rouse(): Promise<void> {
  asleep = undefined;
  await forget();
}

async function sleep(): Promise<void> {
  if (!program) return;
  asleep = program.sleep();
  program = undefined;
  note = `fell asleep in ${microsText(asleep.micros)}`;
  await store(asleep);
}

async function wake(): Promise<void> {
  if (!asleep) return;
  program = await Program.wake(asleep, changed);
  note = `woke in ${microsText(program.wokeIn!)}`;
  await rouse();
}

async function goTo(at: number): Promise<void> {
  if (!program || at < 0) return;
  await program.goTo(at);
  note = `woke in ${microsText(program.wokeIn!)}`;
}

async function goOn(): Promise<void> {
  note = "";
  program?.goOn();
}

/** Of a program that sleeps the file is made of a copy, which does not go on. */
async function download(): Promise<void> {
  const bytes = program ? program.export() : await exportAsleep();
  const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)]));
  const link = make("a");
  link.href = url;
  link.download = "program.torpor";
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  note = `program.torpor has ${bytesText(bytes.length)}`;
}

async function exportAsleep(): Promise<Uint8Array> {
  const copy = await Program.copy(asleep!);
  try {
    return copy.export();
  } finally {
    copy.end();
  }
}

// One thing is done after the other.
let doing: Promise<void> = Promise.resolve();

function does(what: () => Promise<void>): () => void {
  return () => {
    doing = doing.then(what).catch((error) => (note = String(error))).then(changed);
  };
}

// ---- What is shown ----------------------------------------------------------------

const buttons = {
  run: byId("run", HTMLButtonElement),
  sleep: byId("sleep", HTMLButtonElement),
  wake: byId("wake", HTMLButtonElement),
  goOn: byId("go-on", HTMLButtonElement),
  download: byId("download", HTMLButtonElement),
};
const stateOutput = byId("state", HTMLOutputElement);
const waitingList = byId("waiting", HTMLUListElement);
const consoleBox = byId("console", HTMLElement);
const turnList = byId("turns", HTMLElement);

let isAsked = false;

function changed(): void {
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(() => {
    isAsked = false;
    show();
  });
}

function show(): void {
  const state = program?.state;
  const lives = state === "running" || state === "standing";
  document.body.dataset["state"] = asleep ? "asleep" : state ?? "empty";
  buttons.run.textContent = program || asleep ? "Run anew" : "Run";
  buttons.run.classList.toggle("main", !lives && !asleep);
  buttons.sleep.hidden = !lives;
  buttons.wake.hidden = !asleep;
  buttons.goOn.hidden = state !== "standing";
  buttons.download.hidden = !lives && !asleep;
  stateOutput.textContent = [stateText(), note].filter((part) => part).join(" · ");
  if (asleep) byId("asleep-size", HTMLElement).textContent = bytesText(asleep.bytes.length);
  showWaiting(lives ? program! : undefined);
  showConsole();
  showTurns();
}

function stateText(): string {
  if (asleep) return "asleep";
  if (!program) return "";
  const turn = program.turns[program.at];
  return `${TEXTS[program.state]}, turn ${turn?.number ?? 0}`;
}

// ---- What it waits for

interface Item {
  item: HTMLLIElement;
  places: HTMLUListElement;
}

/** By the program, and the id of the operation. */
const itemsOf = new WeakMap<Program, Map<number, Item>>();
const nothing = make("li", "none", "nothing");

function itemOf(from: Program, operation: Operation): Item {
  let items = itemsOf.get(from);
  if (!items) itemsOf.set(from, items = new Map());
  let item = items.get(operation.id);
  if (!item) items.set(operation.id, item = makeItem(from, operation));
  return item;
}

function showWaiting(from: Program | undefined): void {
  const operations = from?.waiting ?? [];
  const places = from?.places ?? [];
  const items = operations.map((operation) => {
    const { item, places: list } = itemOf(from!, operation);
    const mine = places.filter((place) => place.operation === operation.id).map(showPlace);
    if (mine.length === 0 && operation.kind === "timer") {
      mine.push(make("li", "place", "calls back from setTimeout or setInterval"));
    }
    list.replaceChildren(...mine);
    for (
      const part of item.querySelectorAll<HTMLInputElement | HTMLButtonElement>("input, button")
    ) {
      part.disabled = from!.state !== "running";
    }
    return item;
  });
  setChildren(waitingList, items.length === 0 ? [nothing] : items);
  const here = places.filter(({ file }) => file === FILE && from?.source === text());
  markLines(new Map(here.map((place) => [place.line, `${place.function || "the module"} waits`])));
}

function showPlace({ function: name, file, line, column, kind }: WaitingPlace): HTMLElement {
  const called = name || (kind === "module" ? "the module" : "a function");
  return make("li", "place", make("b", "", called), ` waits at ${file}:${line}:${column}`);
}

function makeItem(from: Program, operation: Operation): Item {
  const { kind, due } = operation;
  const places = make("ul");
  const head = make("div", "operation", make("span", `kind ${kind}`, kind));
  if (kind === "signal") head.append(...signalParts(from, operation));
  else if (kind !== "timer") head.append("goes on natively only");
  if (due !== undefined) {
    const when = make("time", "due", dueText(due));
    when.dataset["due"] = String(due);
    head.append(when);
  }
  return { item: make("li", "", head, places), places };
}

function signalParts(from: Program, { id, request }: Operation): Node[] {
  const { name } = request as { name: string };
  const value = make("input");
  value.id = `value-${id}`;
  value.placeholder = "a value, if any";
  value.ariaLabel = `Value of ${name}`;
  const send = makeButton(`Send “${name}”`, "send", () => {
    from.send(id, value.value === "" ? undefined : readValue(value.value));
  });
  value.addEventListener("keydown", ({ key }) => key === "Enter" && send.click());
  return [value, send];
}

/** JSON, else a text. */
function readValue(given: string): unknown {
  try {
    return JSON.parse(given);
  } catch {
    return given;
  }
}

setInterval(() => {
  for (const time of waitingList.querySelectorAll<HTMLElement>("time")) {
    time.textContent = dueText(Number(time.dataset["due"]));
  }
}, 100);

// ---- What it printed

function showConsole(): void {
  const lines = asleep?.lines ?? program?.lines.slice(0, program.shownLines) ?? [];
  const isDown = consoleBox.scrollHeight - consoleBox.scrollTop - consoleBox.clientHeight < 40;
  consoleBox.replaceChildren(...lines.slice(-500).map(showLine));
  if (isDown) consoleBox.scrollTop = consoleBox.scrollHeight;
}

function showLine({ level, text }: Line): HTMLElement {
  return make("div", level, text);
}

// ---- Its turns

function showTurns(): void {
  const turns = asleep?.turns ?? program?.turns ?? [];
  const at = program?.at ?? turns.length - 1;
  const buttonsNow = turns.map(turnButton);
  setChildren(turnList, buttonsNow);
  buttonsNow.forEach((button, i) => {
    button.disabled = asleep !== undefined;
    button.classList.toggle("later", i > at);
    button.ariaCurrent = i === at ? "step" : null;
  });
  if (at !== shownAt) buttonsNow[at]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  shownAt = at;
}

let shownAt = -1;
const turnButtons = new WeakMap<Turn, HTMLButtonElement>();

function turnButton(turn: Turn): HTMLButtonElement {
  const known = turnButtons.get(turn);
  if (known) return known;
  const { number, bytes, whole, micros } = turn;
  const goThere = does(() => goTo(program?.turns.indexOf(turn) ?? -1));
  const button = makeButton(String(number), whole ? "turn whole" : "turn", goThere);
  button.append(make("small", "", `${whole ? "" : "+"}${shortBytes(bytes.length)}`));
  button.title = `turn ${number}: saved ${whole ? "whole" : "what changed"}, ` +
    `${bytesText(bytes.length)} in ${microsText(micros)}`;
  turnButtons.set(turn, button);
  return button;
}

// ---- Light and dark

const THEMES = ["", "light", "dark"];
const themeButton = byId("theme", HTMLButtonElement);

function setTheme(theme: string): void {
  document.documentElement.dataset["theme"] = theme;
  themeButton.textContent = { light: "light", dark: "dark" }[theme] ?? "auto";
  localStorage.setItem("theme", theme);
}

themeButton.addEventListener("click", () => {
  const now = THEMES.indexOf(document.documentElement.dataset["theme"] ?? "");
  setTheme(THEMES[(now + 1) % THEMES.length]!);
});

// ---- The beginning ----------------------------------------------------------------

buttons.run.addEventListener("click", does(run));
buttons.sleep.addEventListener("click", does(sleep));
buttons.wake.addEventListener("click", does(wake));
buttons.goOn.addEventListener("click", does(goOn));
buttons.download.addEventListener("click", does(download));
watchText(changed);
setTheme(localStorage.getItem("theme") ?? "");
setText(sample.replace(/^.*SPDX.*\n/, "").trimEnd());
does(async () => {
  asleep = await load();
  if (asleep) setText(asleep.source);
  // So that the first VM need not wait until the engine is compiled.
  (await QuickJS.create()).dispose();
})();
