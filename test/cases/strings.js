// Strings of all shapes: joined, sliced, wide, with halves of characters, and
// as names of properties.
// expect: 2002 201 205
// expect: 180 true 55357 true true
// expect: name7 299 false
// expect: SS 2 true 3 5 b
// expect: true B,a,b,á -1 [ 5, 99, 99, 4 ]
let rope = "";
for (let i = 0; i < 2000; i++) rope += i % 100 === 0 ? "é" : "x";
const slice = rope.slice(95, 305), wide = "żółw🐢".repeat(30), half = "🐢"[0], names = {};
for (let i = 0; i < 300; i++) names[`name${i}`] = i;
setTimeout(() => { rope = "<" + rope + ">"; console.log(rope.length, rope.indexOf("é", 200), slice.lastIndexOf("é")); }, 5);
setTimeout(() => console.log(wide.length, wide.isWellFormed(), half.charCodeAt(0), (half + "🐢"[1]) === "🐢", half.toWellFormed() === "\ufffd"), 10);
setTimeout(() => { delete names.name7; names["name" + 7] = "again"; console.log(Object.keys(names).at(-1), names[["na", "me299"].join("")], "name300" in names); }, 15);
setTimeout(() => console.log("ß".toUpperCase(), "İ".toLowerCase().length, "\u0065\u0301".normalize() === "é", "a\0b".length, [..."👨‍👩‍👧"].length, "ab".at(-1)), 20);
setTimeout(() => console.log(rope === "<" + "é" + rope.slice(2), ["b", "a", "B", "á"].sort().join(), "x".localeCompare("y"), `${slice}`.split("é").map((s) => s.length)), 25);
