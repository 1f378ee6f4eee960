import "./counter.mjs" with { unknown: "json" };
