// Reading and writing whole files, as bytes and as text.
// expect: Uint8Array(7) [ 104, 195, 169, 108, 108, 111, 10 ] true héllo
// expect:
// expect: "a�b���€" "😀\u0000\u0000῿"
// expect: Uint8Array(0) [] ""
// expect: [write] {"path":"out.txt","data":"aMOpIPCfmIAg77+9"}
// expect: [write] {"path":"out.bin","data":"AP8B"}
// expect: [write] {"path":"out.txt","data":""}
// expect: undefined undefined undefined
// expect: true ENOENT no such file
// expect: [write] {"path":"view.bin","data":"BwgJ"}
// expect: [ 6, 7 ]
// file: plain.txt 68c3a96c6c6f0a
// file: broken.txt 61ff62c3e282e282ac
// file: astral.txt f09f98800000e1bfbf
// file: empty.txt
import { readFile, writeFile } from "torpor:fs";
const plain = await readFile("plain.txt");
console.log(plain, plain instanceof Uint8Array, await readFile("plain.txt", "utf8"));
console.log(JSON.stringify(await readFile("broken.txt", { encoding: "utf-8" })), JSON.stringify(await readFile("astral.txt", "utf8")));
console.log(await readFile("empty.txt"), JSON.stringify(await readFile("empty.txt", "utf8")));
console.log(await writeFile("out.txt", "h\u00e9 \u{1F600} \ud800"), await writeFile("out.bin", new Uint8Array([0, 255, 1])), await writeFile("out.txt", ""));
try { await readFile("missing.txt"); } catch (error) { console.log(error instanceof Error, error.code, error.message); }
const big = new Uint8Array(new ArrayBuffer(10), 2, 3); big.set([7, 8, 9]);
await writeFile("view.bin", big);
console.log(await Promise.all(["plain.txt", "broken.txt"].map((path) => readFile(path, "utf8").then((text) => text.length))));
