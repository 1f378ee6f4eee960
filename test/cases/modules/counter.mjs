console.log("counter is evaluated");
export let count = 0;
export function increment() { count++; }
export class Thing { name = "thing"; }
export default "the default";
