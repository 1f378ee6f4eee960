// What the engine does with texts by words of eight bytes: each length up to
// five of them, and each place in it for what is not like the rest. Becoming
// UTF-8 and coming back, comparing, and searching bytes.
// expect: utf8 9588 0
// expect: slices 512 0
// expect: compare 2460 0
// expect: search 20664 0
const LENGTH = 40, letters = "abcdefghijklmnopqrstuvwxyz".repeat(2);
const put = (text, at, unit) => text.slice(0, at) + unit + text.slice(at + 1);
let done = 0, wrong = 0;
const check = (good) => { done++; if (!good) wrong++; };
const tell = (what) => { console.log(what, done, wrong); done = wrong = 0; };

// The compiler of regular expressions takes its pattern as UTF-8.
const UNITS = ["\0", "\x7f", "\x80", "\xe9", "\xff", "\u0100", "\u20ac", "\ud800", "\udfff"];
const survives = (text, flags = "") => {
  const found = new RegExp(text, flags).exec(text);
  return found !== null && found[0] === text;
};
for (let length = 0; length <= LENGTH; length++) {
  const text = letters.slice(0, length);
  for (let at = 0; at < length; at++) {
    for (const unit of UNITS) check(survives(put(text, at, unit)));
    for (const unit of ["\xe9", "\u{1f422}"]) check(survives(put(put(text, at, unit), length, "\xff"), "u"));
  }
  check(survives(text));
  for (const unit of UNITS.slice(2)) check(survives(unit.repeat(length)));
  if (length > 0) for (let at = 0; at < 6; at++) check(JSON.parse(`${" ".repeat(at)}"${put(text, at % length, "\xe9")}"`) === put(text, at % length, "\xe9"));
}
tell("utf8");

// Part of a longer text, at each distance from a whole word, and what is not
// ASCII just outside of it.
const long = "\xe9" + letters.repeat(100) + "\xe9";
for (let start = 1; start < 9; start++) {
  for (let length = 3000; length < 3032; length++) {
    const part = long.slice(start, start + length);
    check(survives(part));
    check(survives(put(part, length - 1 - (start & 3), "\xff")));
  }
}
tell("slices");

for (let length = 1; length <= LENGTH; length++) {
  const text = letters.slice(0, length), names = { [text]: 1 };
  for (let at = 0; at < length; at++) {
    const more = put(text, at, String.fromCharCode(text.charCodeAt(at) ^ 0x80));
    const then = put(more, length - 1, at < length - 1 ? "\0" : more[at]);
    check(text !== more && text < more && more > text && text + "x" < more + "a");
    check(text < then && then > text && [more, then].indexOf(text) === -1);
    check(!(more in names) && put(more, at, text[at]) in names && put(then, at, text[at]) !== more);
  }
}
tell("compare");

const bytes = new Uint8Array(LENGTH + 16);
for (const [wanted, other] of [[0, 1], [0x80, 0x7f], [0xff, 0xfe]]) {
  for (let start = 0; start < 8; start++) {
    for (let length = 0; length <= LENGTH; length++) {
      const part = bytes.subarray(start, start + length);
      for (let at = 0; at < length; at++) {
        bytes.fill(wanted);
        part.fill(other);
        if (length > 0) part[at] = wanted;
        check(part.indexOf(wanted) === at);
      }
      bytes.fill(wanted);
      part.fill(other);
      check(part.indexOf(wanted) === -1);
    }
  }
}
tell("search");
