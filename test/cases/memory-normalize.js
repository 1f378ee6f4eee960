// A text for which memory does not suffice when it is normalized: an error says so
// each time, and what was taken for it is given back.
// memory: 25165824
// expect: InternalError: out of memory
// expect: InternalError: out of memory
// expect: InternalError: out of memory
// expect: 400000 true
for (const [text, count] of [["\u0323\u0301", 1e6], ["\u0301\u0323", 1e6], ["é", 2e6]]) {
  const long = text.repeat(count), said = new Set();
  for (let i = 0; i < 5; i++) {
    try {
      said.add(long.normalize("NFD").length);
    } catch (error) {
      said.add(String(error));
    }
  }
  console.log([...said].join());
}
const text = "\u0301\u0323".repeat(2e5).normalize("NFD");
console.log(text.length, text === "\u0323".repeat(2e5) + "\u0301".repeat(2e5));
