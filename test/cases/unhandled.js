// Rejections without a handler are reported when the queue is empty, unless
// somebody handles them by then.
// expect: handled in time
// expect: [unhandled] Error: nobody
// expect: [unhandled] TypeError: async
// expect: [unhandled] Error: derived
// expect: [unhandled] a string
// expect: [unhandled] undefined
// expect: too late
Promise.reject(new Error("nobody"));
const late = Promise.reject(new Error("in time"));
Promise.resolve().then(() => {}).then(() => late.catch(() => console.log("handled in time")));
setTimeout(() => { Promise.reject("a string"); Promise.reject(undefined); }, 10);
(async () => { throw new TypeError("async"); })();
const derived = Promise.reject(new Error("derived")).finally(() => {});
setTimeout(() => derived.catch(() => console.log("too late")), 20);
