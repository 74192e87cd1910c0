import { tokenize, type Token } from "./tokens";

/** Where the cursor stands in a query. */
export type Context =
  /** After a dot: a term of `r`, or of what the call `after` gives. `typed` is what stands there already. */
  | { place: "term"; onR: boolean; after: string | null; typed: string; from: number }
  /** In a string, or where one may begin, as an argument of `call`. */
  | { place: "argument"; call: string; position: number; typed: string; from: number; quoted: boolean; names: Names }
  /** The name of an option or a field in an object that `call` takes; null at the top of the text. */
  | { place: "option"; call: string | null; typed: string; from: number; names: Names }
  | { place: "start"; typed: string; from: number }
  | { place: "none" };

/** The database and the table that the query around the cursor is about. */
export interface Names {
  database: string | null;
  table: string | null;
}

/** An open parenthesis, bracket or brace before the cursor. */
interface Opening {
  mark: string;
  /** The token's position. */
  index: number;
  /** Commas since it was opened. */
  commas: number;
}

export function contextAt(text: string, position: number): Context {
  const tokens = tokenize(text.slice(0, position));
  const last = tokens.at(-1);
  const inString = last?.kind === "string" && (last.unfinished === true);
  const inName = last?.kind === "name" && last.end === position;
  const typed = inString || inName ? last.text : "";
  const from = inString ? last.start + 1 : inName ? last.start : position;
  const before = inString || inName ? tokens.slice(0, -1) : tokens;
  const previous = before.at(-1);
  if (inComment(text, position)) return { place: "none" };
  if (!inString && previous?.text === "." && previous.kind === "mark") {
    const owner = before.at(-2);
    const onR = owner?.kind === "name" && owner.text === "r";
    return { place: "term", onR, after: callBefore(before.slice(0, -1)), typed, from };
  }
  const openings = openingsOf(before);
  const inner = openings.at(-1);
  const names = namesOf(before);
  if (inner?.mark === "{" && isNamePlace(previous)) {
    const call = openings.at(-2);
    const name = call?.mark === "(" ? calledBy(before, call) : null;
    if (name || !call) return { place: "option", call: name, typed, from, names };
    return inString ? { place: "none" } : { place: "start", typed, from };
  }
  if (inner?.mark === "(" && (inString || previous?.text === "(" || previous?.text === ",")) {
    const call = calledBy(before, inner);
    // A value that is called looks up a field: r.row("name"), user("name").
    if (call) return { place: "argument", call, position: inner.commas, typed, from, quoted: inString, names };
  }
  const option = before.at(-2);
  if (inString && previous?.text === ":" && option?.kind === "name") {
    return { place: "argument", call: option.text, position: 0, typed, from, quoted: true, names };
  }
  if (inString && inner?.mark === "[") {
    const call = openings.findLast((opening) => opening.mark === "(");
    const name = call ? calledBy(before, call) : null;
    if (name) return { place: "argument", call: name, position: 0, typed, from, quoted: true, names };
  }
  return inString ? { place: "none" } : { place: "start", typed, from };
}

/** The table that the query before the cursor is about. */
export function tableAt(text: string, position: number): Names {
  return namesOf(tokenize(text.slice(0, position)));
}

/** The term that the cursor is in or whose arguments it is among, for its documentation. */
export function enclosingCall(text: string, position: number): string | null {
  const all = tokenize(text);
  const at = all.findIndex(({ kind, start, end }) => kind === "name" && start <= position && position <= end);
  if (at > 0 && all[at - 1]?.text === ".") return all[at]?.text ?? null;
  const tokens = tokenize(text.slice(0, position));
  const opening = openingsOf(tokens).findLast(({ mark }) => mark === "(");
  return opening ? calledBy(tokens, opening) : null;
}

function openingsOf(tokens: Token[]): Opening[] {
  const openings: Opening[] = [];
  tokens.forEach((token, index) => {
    if (token.kind !== "mark") return;
    if ("([{".includes(token.text)) openings.push({ mark: token.text, index, commas: 0 });
    else if (")]}".includes(token.text)) openings.pop();
    else if (token.text === ",") {
      const inner = openings.at(-1);
      if (inner) inner.commas += 1;
    }
  });
  return openings;
}

/** The call whose closing parenthesis is the last token. */
function callBefore(tokens: Token[]): string | null {
  if (tokens.at(-1)?.text !== ")") return null;
  let depth = 0;
  for (let index = tokens.length - 1; index >= 0; index--) {
    const token = tokens[index];
    if (token?.kind !== "mark") continue;
    if (token.text === ")") depth += 1;
    if (token.text === "(" && --depth === 0) return calledBy(tokens, { mark: "(", index, commas: 0 });
  }
  return null;
}

/** The name before an opening parenthesis; `()` where a value is called. */
function calledBy(tokens: Token[], opening: Opening): string | null {
  const callee = tokens[opening.index - 1];
  if (!callee) return null;
  if (callee.kind === "mark" && callee.text === ")") return "()";
  if (callee.kind !== "name") return null;
  // `user("name")` in a function: the name is no term.
  const isTerm = tokens[opening.index - 2]?.text === ".";
  if (!isTerm) return callee.text === "r" ? "expr" : "()";
  return callee.text === "row" ? "()" : callee.text;
}

/** The last `db("..")` and `table("..")`. */
function namesOf(tokens: Token[]): Names {
  const names: Names = { database: null, table: null };
  tokens.forEach((token, index) => {
    const argument = tokens[index + 2];
    if (token.kind !== "name" || tokens[index + 1]?.text !== "(" || argument?.kind !== "string") return;
    if (token.text === "db") names.database = argument.text;
    if (token.text === "table") {
      // `r.table("t")` without a database is one of the default database.
      if (tokens[index - 2]?.text === "r") names.database = null;
      names.table = argument.text;
    }
  });
  return names;
}

function isNamePlace(previous: Token | undefined): boolean {
  return previous?.kind === "mark" && (previous.text === "{" || previous.text === ",");
}

function inComment(text: string, position: number): boolean {
  const line = text.slice(text.lastIndexOf("\n", position - 1) + 1, position);
  return /(?:^|\s)\/\//.test(line);
}
