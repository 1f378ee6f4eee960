// What sleep() takes for a duration, and what it refuses.
// expect: 90s 90000
// expect: 3 days 259200000
// expect: 1 h 30 min 5400000
// expect: 1h30m 5400000
// expect: 1.5 hours 5400000
// expect: 250 ms 250
// expect: 2 weeks 1209600000
// expect:  1 d  86400000
// expect: 1 second 1000
// expect: RangeError: sleep: "2 mins" is not a duration such as "3 days"
// expect: 1 w 1 d 1 h 1 m 1 s 1 ms 694861001
// expect: .5s 500
// expect: RangeError sleep: "" is not a duration such as "3 days"
// expect: RangeError sleep: " " is not a duration such as "3 days"
// expect: RangeError sleep: "3" is not a duration such as "3 days"
// expect: RangeError sleep: "days" is not a duration such as "3 days"
// expect: RangeError sleep: "3 fortnights" is not a duration such as "3 days"
// expect: RangeError sleep: "1..5 s" is not a duration such as "3 days"
// expect: RangeError sleep: "-3 s" is not a duration such as "3 days"
// expect: RangeError sleep: "3 s 5" is not a duration such as "3 days"
// expect: RangeError sleep: "constructor" is not a duration such as "3 days"
// expect: RangeError sleep: not a moment in time
// expect: RangeError sleep: not a moment in time
// expect: RangeError sleep: not a moment in time
// expect: RangeError sleep: not a moment in time
// expect: TypeError
// expect: TypeError
// expect: TypeError
// expect: TypeError
// expect: TypeError
// expect: TypeError
// expect: TypeError
import { sleep } from "torpor:run";
for (const text of ["90s", "3 days", "1 h 30 min", "1h30m", "1.5 hours", "250 ms", "2 weeks", " 1 d ", "1 second", "2 mins", "1 w 1 d 1 h 1 m 1 s 1 ms", ".5s"]) {
  const before = Date.now();
  try { await sleep(text); console.log(text, Date.now() - before); } catch (error) { console.log(`${error}`); }
}
for (const wrong of ["", " ", "3", "days", "3 fortnights", "1..5 s", "-3 s", "3 s 5", "constructor", NaN, Infinity, 1e300, new Date(NaN)])
  await sleep(wrong).catch((error) => console.log(error.name, error.message));
for (const wrong of [undefined, null, {}, [], 10n, true, Symbol("s")]) await sleep(wrong).catch((error) => console.log(error.name));
