// SPDX-License-Identifier: MIT
//
// recursion.js - recursion by way of getters ends as any recursion does.

const recursive = {
  get a() {
    return structuredClone(recursive);
  },
};
throws(() => structuredClone(recursive), undefined);
