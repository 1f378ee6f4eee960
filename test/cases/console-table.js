// Tables: rows of arrays, maps, sets and objects; no code of the program runs.
// expect: ┌─────────┬───┬───────┬──────────┬────────┐
// expect: │ (index) │ a │ b     │ c        │ Values │
// expect: ├─────────┼───┼───────┼──────────┼────────┤
// expect: │ 0       │ 1 │ 'xyz' │          │        │
// expect: │ 1       │   │       │ [ 1, 2 ] │        │
// expect: │ 2       │   │       │          │ 5      │
// expect: └─────────┴───┴───────┴──────────┴────────┘
// expect: ┌─────────┬───┬────────┐
// expect: │ (index) │ x │ Values │
// expect: ├─────────┼───┼────────┤
// expect: │ 'k'     │ 1 │        │
// expect: │ 2       │   │ 3      │
// expect: └─────────┴───┴────────┘
// expect: ┌─────────┬──────────────────┬────────┐
// expect: │ (index) │ deep             │ Values │
// expect: ├─────────┼──────────────────┼────────┤
// expect: │ 0       │                  │ 1      │
// expect: │ 1       │ { er: [Object] } │        │
// expect: └─────────┴──────────────────┴────────┘
// expect: ┌─────────┬───┬───┐
// expect: │ (index) │ 0 │ 1 │
// expect: ├─────────┼───┼───┤
// expect: │ 0       │ 1 │ 2 │
// expect: │ 1       │ 3 │   │
// expect: └─────────┴───┴───┘
// expect: ┌─────────┬──────────┬───┬────────┐
// expect: │ (index) │ a        │ b │ Values │
// expect: ├─────────┼──────────┼───┼────────┤
// expect: │ row     │ [Getter] │ 2 │        │
// expect: │ other   │          │   │ null   │
// expect: └─────────┴──────────┴───┴────────┘
// expect: ┌─────────┬───┬───┐
// expect: │ (index) │ b │ z │
// expect: ├─────────┼───┼───┤
// expect: │ 0       │ 2 │   │
// expect: └─────────┴───┴───┘
// expect: ┌─────────┐
// expect: │ (index) │
// expect: ├─────────┤
// expect: └─────────┘
// expect: 5
// expect: text
// expect: undefined
// expect: ┌─────────┐
// expect: │ (index) │
// expect: ├─────────┤
// expect: └─────────┘
console.table([{ a: 1, b: "xyz" }, { c: [1, 2] }, 5]);
console.table(new Map([["k", { x: 1 }], [2, 3]]));
console.table(new Set([1, { deep: { er: {} } }]));
console.table([[1, 2], [3]]);
console.table({ row: { get a() { throw 1; }, b: 2 }, other: null });
console.table([{ a: 1, b: 2 }], ["b", "z"]);
console.table([]);
console.table(5); console.table("text"); console.table(undefined);
console.table(new Proxy({ a: 1 }, { ownKeys() { throw 1; } }));
