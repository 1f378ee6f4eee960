// SPDX-License-Identifier: MIT
//
// node.d.ts - what engine-file-node.ts needs of Node, and nothing else: so the
// compiler refuses Node's globals in all other files.

declare module "node:fs" {
  export function readFileSync(path: URL): Uint8Array<ArrayBuffer>;
}
