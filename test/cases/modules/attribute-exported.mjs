export * from "./counter.mjs" with { type: "json", unknown: "" };
