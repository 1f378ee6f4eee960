// SPDX-License-Identifier: MIT
//
// editor.ts - the text area with its line numbers, some of which are marked:
// there functions wait.

import { byId, make } from "./view.js";

const area = byId("source", HTMLTextAreaElement);
const gutter = byId("gutter", HTMLOListElement);
let count = 0;

function number(): void {
  const wanted = area.value.split("\n").length;
  for (; count < wanted; count++) gutter.append(make("li"));
  for (; count > wanted; count--) gutter.lastElementChild?.remove();
}

export function text(): string {
  return area.value;
}

export function setText(source: string): void {
  area.value = source;
  number();
}

/** Marks lines, counted from 1, with what is told of each. */
export function markLines(lines: Map<number, string>): void {
  [...gutter.children].forEach((item, i) => {
    const told = lines.get(i + 1);
    item.classList.toggle("waits", told !== undefined);
    if (told === undefined) item.removeAttribute("title");
    else item.setAttribute("title", told);
  });
}

/** Calls `changed` when somebody types. */
export function watchText(changed: () => void): void {
  area.addEventListener("input", () => {
    number();
    changed();
  });
  area.addEventListener("scroll", () => (gutter.scrollTop = area.scrollTop));
  // Tab is two spaces. Escape, and then Tab, leaves the editor.
  let leaves = false;
  area.addEventListener("keydown", (event) => {
    if (event.key === "Tab" && !event.shiftKey && !leaves) {
      event.preventDefault();
      area.setRangeText("  ", area.selectionStart, area.selectionEnd, "end");
      area.dispatchEvent(new Event("input"));
    }
    leaves = event.key === "Escape";
  });
}
