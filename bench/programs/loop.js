/* SPDX-License-Identifier: MIT */
/* loop.js - integer arithmetic and branches: 20 million iterations. */
(function () {
  let sum = 0;
  for (let i = 0; i < 20000000; i++) {
    sum += i & 7;
    if (sum > 1000000) sum -= 999983;
  }
  return sum;
})();
