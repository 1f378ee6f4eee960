// Matches that go on after a sleep: lastIndex, named groups, a class of one's
// own, and a replacement that has half been made.
// expect: één 0 3
// expect: twee 4 8
// expect: drie 9 13
// expect: vier vier 18 false 0
// expect: 2 0 xAxE 3
// expect: [ [ 2, 3 ], [ 4, 5 ], [ 9, 10 ], [ 14, 15 ] ] <één> <twee> <drie> <vier> 11 zBC
import { sleep } from "torpor:run";
const words = /(?<word>\p{L}+)/gu, text = "één twee drie vier";
for (let match; (match = words.exec(text)); ) { await sleep(2); console.log(match.groups.word, match.index, words.lastIndex); if (words.lastIndex > 10) break; }
const copy = new RegExp(words, "uy");
copy.lastIndex = words.lastIndex + 1;
await sleep(5);
console.log(words.exec(text)[0], copy.exec(text)?.[0], copy.lastIndex, words.test(text), words.lastIndex);
class Counting extends RegExp { count = 0; exec(subject) { this.count++; return super.exec(subject); } }
const counting = new Counting("[aeiou]", "g");
const parts = "a-e-i".matchAll(counting);
parts.next();
await sleep(5);
console.log([...parts].length, counting.count, "xaxe".replace(counting, (v) => v.toUpperCase()), counting.count);
const found = [...text.matchAll(/\b\p{L}/dgu)].map((m) => m.indices[0]);
await sleep(5);
console.log(found, text.replace(words, "<$<word>>"), /(?<!v)ie/.exec(text).index, "aBC".replace(/[a-z]/gi, (c) => (c === "a" ? "z" : c)));
