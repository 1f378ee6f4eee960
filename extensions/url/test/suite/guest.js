// SPDX-License-Identifier: MIT
//
// guest.js - the part of suite.mjs that runs in the VM. Its value is the
// report as JSON. DATA has the texts of the suite's files by name.

const counts = {};
const failures = [];

/** Counts a case, which gives what is wrong with it. */
function count(name, what, run) {
  counts[name] ??= { good: 0, bad: 0 };
  let wrong;
  try {
    wrong = run();
  } catch (error) {
    wrong = `threw ${error}`;
  }
  counts[name][wrong ? "bad" : "good"]++;
  if (wrong) failures.push(`${name} ${JSON.stringify(what).slice(0, 200)}: ${wrong}`);
}

const cases = (name) => JSON.parse(DATA[name]).filter((item) => typeof item !== "string");
const differs = (found, wanted) =>
  found === wanted ? undefined : `${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`;

// ---- URL ----

const PARTS = [
  ...["href", "origin", "protocol", "username", "password", "host", "hostname"],
  ...["port", "pathname", "search", "hash"],
];

function testUrl(item) {
  const base = item.base ?? undefined;
  const can = URL.canParse(item.input, base);
  if (can !== !item.failure) return `canParse gave ${can}`;
  if (!!URL.parse(item.input, base) !== can) return "parse gave something else than canParse";
  if (item.failure) {
    try {
      new URL(item.input, base);
    } catch (error) {
      return differs(error.name, "TypeError");
    }
    return "nothing was thrown";
  }
  const url = new URL(item.input, base);
  for (const part of PARTS.filter((part) => part in item)) {
    const wrong = differs(url[part], item[part]);
    if (wrong) return `${part} is ${wrong}`;
  }
  if ("searchParams" in item) return differs(url.searchParams.toString(), item.searchParams);
}

for (const name of ["urltestdata", "urltestdata-javascript-only"]) {
  for (const item of cases(name)) count(name, [item.input, item.base], () => testUrl(item));
}

for (const [part, list] of Object.entries(JSON.parse(DATA.setters_tests))) {
  if (part === "comment") continue;
  for (const item of list) {
    count("setters_tests", [part, item.href, item.new_value], () => {
      const url = new URL(item.href);
      url[part] = item.new_value;
      for (const [name, wanted] of Object.entries(item.expected)) {
        const wrong = differs(url[name], wanted);
        if (wrong) return `${name} is ${wrong}`;
      }
    });
  }
}

for (const name of ["toascii", "IdnaTestV2", "IdnaTestV2-removed"]) {
  for (const { input, output } of cases(name)) {
    if (input === "") continue; // an address always has a host
    count(name, input, () => {
      const url = URL.parse(`https://${encodeURIComponent(input.toWellFormed())}/x`);
      return differs(url?.host ?? null, output);
    });
  }
}

// ---- URLPattern, as in the suite's own urlpattern.js ----

const COMPONENTS = [
  ...["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"],
];
/** What a component is not taken from the base for, once one of these is there. */
const EARLIER = {
  protocol: [],
  hostname: ["protocol"],
  port: ["protocol", "hostname"],
  username: [],
  password: [],
  pathname: ["protocol", "hostname", "port"],
  search: ["protocol", "hostname", "port", "pathname"],
  hash: ["protocol", "hostname", "port", "pathname", "search"],
};

function baseOf([first, second]) {
  if (first?.baseURL) return new URL(first.baseURL);
  return typeof second === "string" ? new URL(second) : undefined;
}

function wantedComponent(item, name) {
  const wanted = item.expected_obj?.[name];
  if (wanted != undefined) return wanted;
  const [first] = item.pattern;
  if (item.exactly_empty_components?.includes(name)) return "";
  if (typeof first === "object") {
    if (first[name]) return first[name];
    if (EARLIER[name].some((other) => other in first)) return "*";
  }
  const base = baseOf(item.pattern);
  if (!base || name === "username" || name === "password") return "*";
  if (name === "protocol") return base.protocol.slice(0, -1);
  return name === "search" || name === "hash" ? base[name].slice(1) : base[name];
}

function isRefused(run) {
  try {
    run();
  } catch (error) {
    return error instanceof TypeError;
  }
  return false;
}

const sorted = (inputs) =>
  JSON.stringify(
    inputs.map((input) => typeof input === "object" ? Object.entries(input).sort() : input),
  );

function testGroups(item, result, name) {
  let wanted = item.expected_match[name];
  if (!wanted) {
    wanted = { input: "", groups: {} };
    if (!item.exactly_empty_components?.includes(name)) wanted.groups["0"] = "";
  }
  const { input, groups } = result[name];
  if (input !== wanted.input) return `${name}.input is ${differs(input, wanted.input)}`;
  for (const key of new Set([...Object.keys(groups), ...Object.keys(wanted.groups)])) {
    const wrong = differs(groups[key], wanted.groups[key] ?? undefined);
    if (wrong || !(key in groups)) return `${name}.groups.${key} is ${wrong}`;
  }
}

function testPattern(item) {
  if (item.expected_obj === "error") {
    return isRefused(() => new URLPattern(...item.pattern)) ? undefined : "it is not refused";
  }
  const pattern = new URLPattern(...item.pattern);
  for (const name of COMPONENTS) {
    const wrong = differs(pattern[name], wantedComponent(item, name));
    if (wrong) return `${name} is ${wrong}`;
  }
  const inputs = item.inputs ?? [];
  if (item.expected_match === "error") {
    return isRefused(() => pattern.test(...inputs)) && isRefused(() => pattern.exec(...inputs))
      ? undefined
      : "the input is not refused";
  }
  if (pattern.test(...inputs) !== !!item.expected_match) return "test is wrong";
  const result = pattern.exec(...inputs);
  if (!item.expected_match) return differs(result, null);
  const wrong = differs(sorted(result.inputs), sorted(item.expected_match.inputs ?? inputs));
  if (wrong) return `inputs are ${wrong}`;
  for (const name of COMPONENTS) {
    const wrong = testGroups(item, result, name);
    if (wrong) return wrong;
  }
}

for (const item of cases("urlpatterntestdata")) {
  count("urlpatterntestdata", item.pattern, () => testPattern(item));
}

JSON.stringify({ counts, failures });
