import type { ErrorBody } from "../api/types";

/** A part of a text, in the units of JavaScript's strings. */
export interface Place {
  from: number;
  to: number;
}

/** Where in the text that was run an error is. */
export function placeOf(error: ErrorBody, text: string): Place | null {
  if (!error.position) return null;
  const bytes = new TextEncoder().encode(text);
  const unit = (offset: number): number => new TextDecoder().decode(bytes.subarray(0, offset)).length;
  const from = Math.min(unit(error.span?.start ?? error.position.offset), text.length);
  const end = error.span ? unit(error.span.end) : from;
  if (end > from) return { from, to: Math.min(end, text.length) };
  const word = /^(?:[\w$]+|.)/.exec(text.slice(from))?.[0] ?? "";
  return { from, to: from + word.length };
}

/** The line in which a place begins, cut around it. */
export function excerptOf(text: string, place: Place): { line: number; before: string; at: string; after: string } {
  const start = text.lastIndexOf("\n", place.from - 1) + 1;
  const newline = text.indexOf("\n", place.from);
  const end = newline < 0 ? text.length : newline;
  const to = Math.min(place.to, end);
  return {
    line: text.slice(0, start).split("\n").length,
    before: text.slice(start, place.from),
    at: text.slice(place.from, to),
    after: text.slice(to, end),
  };
}
