// Dates in the zone that the host tells, on the clock that the host keeps.
// expect: 14 13 -120 -60
// expect: Mon Jul 01 2024 14:00:00 GMT+0200 2024-01-01T12:00:00.000Z
// expect: 2024-01-31T00:02:03.004Z 1709251200000 2024-05-06T05:08:09.000Z
// expect: 1700000000000 2023-11-14T22:13:20.000Z
// expect: NaN NaN
// expect: 1700000001500 1500
// expect: 1971-02-01T00:00:00.000Z 1 1000
// expect: 2023-12-14T22:13:20.000Z 2592000000 1700000000000
const summer = new Date(Date.UTC(2024, 6, 1, 12)), winter = new Date(Date.UTC(2024, 0, 1, 12));
console.log(summer.getHours(), winter.getHours(), summer.getTimezoneOffset(), winter.getTimezoneOffset());
console.log(summer.toString(), winter.toISOString());
console.log(new Date(2024, 0, 31, 1, 2, 3, 4).toISOString(), new Date("2024-02-30").getTime(), new Date("2024-05-06T07:08:09+02:00").toISOString());
console.log(Date.now(), new Date().toJSON());
setTimeout(() => console.log(Date.now(), performance.now()), 1500);
setTimeout(() => { const d = new Date(0); d.setMonth(13); console.log(d.toISOString(), d.getDay(), Date.parse("Thu, 01 Jan 1970 00:00:01 GMT")); }, 86400000);
setTimeout(() => console.log(new Date().toISOString(), performance.now(), performance.timeOrigin), 30 * 86400000);
console.log(new Date(8.64e15 + 1).getTime(), new Date(NaN).valueOf());
