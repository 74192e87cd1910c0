/** The words and marks of a ReQL text, as far as completion needs them. */
export interface Token {
  kind: "name" | "string" | "number" | "mark";
  /** Of a string what it holds, without quotes. */
  text: string;
  start: number;
  end: number;
  /** A string whose closing quote is missing. */
  unfinished?: boolean;
}

const NAME = /[A-Za-z_$][\w$]*/y;
const NUMBER = /\d[\w.]*/y;
const SPACE = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? null;
  };
  while (at < text.length) {
    const space = match(SPACE);
    if (space) {
      at += space.length;
      continue;
    }
    const name = match(NAME);
    const word = name ?? match(NUMBER);
    const token: Token = word
      ? { kind: name ? "name" : "number", text: word, start: at, end: at + word.length }
      : readMark(text, at);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function readMark(text: string, start: number): Token {
  const mark = text[start] ?? "";
  if (text.startsWith("=>", start)) return { kind: "mark", text: "=>", start, end: start + 2 };
  if (!`"'\``.includes(mark)) return { kind: "mark", text: mark, start, end: start + 1 };
  let end = start + 1;
  while (end < text.length && text[end] !== mark && (mark === "`" || text[end] !== "\n")) {
    end += text[end] === "\\" ? 2 : 1;
  }
  const finished = text[end] === mark;
  const token: Token = { kind: "string", text: text.slice(start + 1, end), start, end: Math.min(finished ? end + 1 : end, text.length) };
  return finished ? token : { ...token, unfinished: true };
}
