// SPDX-License-Identifier: MIT
//
// raw.d.ts - a file that Vite gives as a text.

declare module "*?raw" {
  const text: string;
  export default text;
}
