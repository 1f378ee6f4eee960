// JSON.stringify quotes what it must at each place of a text, whether its
// characters take one byte or two, and leaves the rest as it is.
// expect: 5940 0
const expected = (text) => {
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i), short = "btn fr"["\b\t\n \f\r".indexOf(text[i])];
    const high = code >= 0xd800 && code < 0xdc00, low = code >= 0xdc00 && code < 0xe000;
    const next = text.charCodeAt(i + 1), before = text.charCodeAt(i - 1);
    const alone = (high && !(next >= 0xdc00 && next < 0xe000)) || (low && !(before >= 0xd800 && before < 0xdc00));
    if (text[i] === '"' || text[i] === "\\") out += "\\" + text[i];
    else if (short !== undefined && code < 32) out += "\\" + short;
    else if (code < 32 || alone) out += "\\u" + code.toString(16).padStart(4, "0");
    else out += text[i];
  }
  return out + '"';
};
const units = ["\0", "\b", "\t", "\n", "\v", "\f", "\r", "\x1f", " ", '"', "\\", "\x7f", "\x80", "\xff", "\u2028", "\ud800", "\udc00", "\u{1f422}"];
const letters = "abcdefghijklmnopqrst\xe9uvwxyz";
let done = 0, wrong = 0;
for (let length = 0; length < 10; length++) {
  for (let at = 0; at <= length; at++) {
    for (const unit of units) {
      for (const more of ["", unit, '"', "\n", "\u0100", letters]) {
        const text = letters.slice(0, at) + unit + more + letters.slice(at, length);
        done++;
        if (JSON.stringify(text) !== expected(text) || JSON.parse(JSON.stringify(text)) !== text) wrong++;
      }
    }
  }
}
console.log(done, wrong);
