// SPDX-License-Identifier: MIT
//
// server.mjs - serves a folder to a browser on this computer, under a content
// security policy that allows no eval.

import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

export const NONCE = "torpor";
const POLICY = `default-src 'self'; script-src 'self' 'nonce-${NONCE}' ` +
  "'wasm-unsafe-eval'; worker-src 'self' blob:; img-src 'self' data:";

// The file of a URL; nothing outside the folder, no matter how it is written.
function findFile(folder, url) {
  const path = normalize(decodeURIComponent(new URL(url, "http://x").pathname));
  const file = join(folder, path.endsWith("/") ? `${path}index.html` : path);
  return statSync(file, { throwIfNoEntry: false })?.isFile() ? file : undefined;
}

/** Serves `folder`; gives { origin, close }. */
export async function serve(folder) {
  const server = createServer((request, response) => {
    const file = findFile(folder, request.url);
    if (file === undefined) {
      response.writeHead(404).end("there is no such file");
      return;
    }
    response.writeHead(200, {
      "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
      "Content-Security-Policy": POLICY,
      "Cache-Control": "no-store",
    });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
