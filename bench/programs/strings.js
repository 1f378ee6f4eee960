/* SPDX-License-Identifier: MIT */
/* strings.js - a log that is written, parsed and sorted: concatenation,
 * regular expressions, split, replace, join, sorting with and without a
 * comparison function. */
(function () {
  const words = ["alpha", "bravo", "charlie", "delta", "écho", "foxtrot"];
  let seed = 4711;
  function random(limit) {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return seed % limit;
  }

  function write(count) {
    let text = "";
    for (let i = 0; i < count; i++) {
      text += `2026-01-${10 + random(20)} ${words[random(6)]}` +
        ` user=${random(300)} size=${random(100000)}\n`;
    }
    return text;
  }

  function run() {
    const pattern = /^(\d+)-(\d+)-(\d+) (\S+) user=(\d+) size=(\d+)$/u;
    const rows = [];
    for (const line of write(6000).split("\n")) {
      const match = pattern.exec(line);
      if (match === null) continue;
      rows.push({ day: match[3], word: match[4], size: Number(match[6]) });
    }
    rows.sort((a, b) => a.size - b.size || (a.word < b.word ? -1 : 1));
    const text = rows
      .map(({ day, word, size }) => [word.toUpperCase(), day, size].join(":"))
      .join(";")
      .replace(/[AEIOU]/g, (letter) => letter.toLowerCase())
      .replaceAll(":", " ");
    const names = text.split(";").sort();
    let hash = 0;
    for (let i = 0; i < text.length; i++) {
      hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
    }
    return hash + names.length + names[17].length;
  }

  let sum = 0;
  for (let round = 0; round < 12; round++) sum = (sum + run()) | 0;
  return sum;
})();
