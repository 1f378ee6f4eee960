export * from "./counter.mjs";
export { count as renamed } from "./counter.mjs";
export * as nested from "./inner/leaf.mjs";
