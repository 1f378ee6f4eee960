// SPDX-License-Identifier: MIT
//
// view.ts - small parts of the page, and how numbers are written in it.

/** The element with that id, of that class. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} '${id}'`);
  return found;
}

/** An element with a class, and texts or elements in it. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  ...inside: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...inside);
  return made;
}

export function makeButton(
  text: string,
  className: string,
  pressed: () => void,
): HTMLButtonElement {
  const button = make("button", className, text);
  button.type = "button";
  button.addEventListener("click", pressed);
  return button;
}

/** Gives a parent these children, and does not touch those that it has already. */
export function setChildren(parent: Element, wanted: readonly Element[]): void {
  const kept = new Set(wanted);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  wanted.forEach((child, i) => {
    if (parent.children[i] !== child) parent.insertBefore(child, parent.children[i] ?? null);
  });
}

const number = new Intl.NumberFormat("en");

export function bytesText(bytes: number): string {
  return `${number.format(bytes)} bytes`;
}

/** For little room: 237 B, 6.9 KB. */
export function shortBytes(bytes: number): string {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0)} KB`;
}

export function microsText(micros: number): string {
  return `${number.format(micros)} µs`;
}

/** How far away a moment is: "in 3.2 s". */
export function dueText(due: number): string {
  const ms = due - Date.now();
  if (ms <= 0) return "due now";
  if (ms < 60_000) return `in ${(ms / 1000).toFixed(1)} s`;
  if (ms < 86_400_000) return `in ${Math.ceil(ms / 60_000)} min`;
  return `on ${new Date(due).toLocaleString()}`;
}
