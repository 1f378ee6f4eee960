// Searching for text, forwards and backwards, beside a search letter by letter.
// expect: 0 differ
// expect: 5 5 -1 0 5 5 -1
// expect: true false true true false true
// expect: -1 -1 -1 false false

// A letter of either width, and pieces that begin alike again and again.
let seed = 7;
const next = (below) => (seed = (seed * 16807) % 2147483647) % below;
const letters = ["a", "b", "\u0101"];
const text = (length, kinds) => {
  let made = "";
  while (made.length < length) made += letters[next(kinds)];
  return made;
};
const isAt = (all, part, at) => {
  for (let i = 0; i < part.length; i++) {
    if (all[at + i] !== part[i]) return false;
  }
  return at >= 0;
};

let differ = 0;
for (let i = 0; i < 400; i++) {
  const all = text(next(30), 2 + next(2)), part = text(next(5), 2 + next(2));
  const from = next(32) - 1, last = all.length - part.length;
  let first = -1, back = -1;
  for (let at = Math.min(Math.max(from, 0), all.length); at <= last; at++) {
    if (isAt(all, part, at)) {
      first = at;
      break;
    }
  }
  for (let at = Math.min(Math.max(from, 0), last); at >= 0; at--) {
    if (isAt(all, part, at)) {
      back = at;
      break;
    }
  }
  if (all.indexOf(part, from) !== first) differ++;
  if (all.includes(part, from) !== first >= 0) differ++;
  if (all.lastIndexOf(part, from) !== back) differ++;
  const begin = Math.min(Math.max(from, 0), all.length);
  if (all.startsWith(part, from) !== isAt(all, part, begin)) differ++;
  const end = begin - part.length;
  if (all.endsWith(part, from) !== isAt(all, part, end)) differ++;
  if (part && all.split(part).join(part) !== all) differ++;
  if (part && all.replaceAll(part, "").includes(part) &&
      !all.includes(part)) differ++;
}
console.log(differ, "differ");

// Pieces longer than what is compared between two looks at the deadline.
const long = "x".repeat(3000), whole = "yyyyy" + long + "z";
console.log(whole.indexOf(long), whole.lastIndexOf(long),
            whole.indexOf(long + "y"), long.indexOf(""),
            whole.indexOf("", 5), whole.lastIndexOf("", 5),
            whole.lastIndexOf(long, 4));
console.log(whole.includes(long), long.includes(whole), whole.endsWith(long + "z"),
            whole.startsWith("yyyyy" + long), whole.startsWith(long),
            whole.startsWith(long, 5));

// What is longer than the text is not looked for behind its end, where a zero is.
console.log("a".lastIndexOf("a\0", 0), "a".lastIndexOf("a\0"), "a".indexOf("a\0"),
            "a".startsWith("a\0"), "a".endsWith("a\0", 1));
