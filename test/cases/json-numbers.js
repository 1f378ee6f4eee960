// JSON.parse reads numbers of every length as Number does, alone and between
// others, and refuses what is none.
// expect: 2400 0 11
const digits = "1234567890123456789012";
let done = 0, wrong = 0, refused = 0;
const check = (text) => {
  const value = Number(text);
  done++;
  if (!Object.is(JSON.parse(text), value)) wrong++;
  const list = JSON.parse(`[${text},{"a":${text} ,"b":${text}}]`);
  if (!Object.is(list[0], value) || !Object.is(list[1].a, value) || !Object.is(list[1].b, value)) wrong++;
  if (JSON.stringify(list[0]) !== JSON.stringify(value) || list[0] + 1 !== value + 1 || (list[0] | 0) !== (value | 0)) wrong++;
};
for (const sign of ["", "-"]) {
  for (let length = 1; length <= 20; length++) {
    for (const body of [digits.slice(0, length), "9".repeat(length), "1" + "0".repeat(length - 1), "0", "2147483647", "2147483648"]) {
      for (const end of ["", ".0", ".5", "e0", "E2", "e-3", ".25e1", ".000", "e+10", "E-0"]) {
        check(sign + body + end);
      }
    }
  }
}
for (const text of ["01", "-01", "-", "1.", "1e", "1e+", "-a", ".5", "1a", "00", "0x1"]) {
  try {
    JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) refused++;
  }
}
console.log(done, wrong, refused);
