/** A row of `indexStatus`. */
export interface IndexStatus {
  index: string;
  ready: boolean;
  outdated: boolean;
  multi: boolean;
  geo: boolean;
  unique?: boolean;
  query: string;
  progress?: number;
  error?: string;
}

/** The function of an index, without the call around it. */
export function functionOfIndex({ query }: { query: string }): string {
  const match = /^(?:r\.)?indexCreate\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*,\s*([\s\S]*)\)$/.exec(query);
  return arrowForm((match?.[2] ?? query).replace(/,\s*\{[^{}]*\}$/, "").trim());
}

/** A function as people write it: `function(_var1) { return _var1.getField("a"); }` is `row => row("a")`. */
export function arrowForm(text: string): string {
  const match = /^function\s*\(([^)]*)\)\s*\{\s*return\s+([\s\S]*?);?\s*\}$/.exec(text);
  if (!match) return text;
  // `r.row` needs no name for its parameter.
  if (/\br\.row\b/.test(match[2] ?? "")) return match[2] ?? "";
  const names = (match[1] ?? "").split(",").map((name) => name.trim());
  const shown = names.length === 1 ? ["row"] : names;
  const body = names.reduce((part, name, at) => part.replaceAll(new RegExp(`\\b${name}\\b`, "g"), shown[at] ?? name), match[2] ?? "");
  const head = shown.length === 1 ? shown[0] : `(${shown.join(", ")})`;
  return `${head} => ${body.replaceAll(/\.getField\(/g, "(")}`;
}

/** The function of a write hook, without the call around it. */
export function functionOfHook(query: string): string {
  return arrowForm(/^(?:r\.)?setWriteHook\(([\s\S]*)\)$/.exec(query)?.[1] ?? query);
}
