import { describe, expect, it } from "vitest";
import type { ErrorBody } from "../api/types";
import { excerptOf, placeOf } from "./place";

function errorAt(text: string, part: string): ErrorBody {
  const bytes = new TextEncoder();
  const start = bytes.encode(text.slice(0, text.indexOf(part))).length;
  const end = start + bytes.encode(part).length;
  return { kind: "ReqlTextError", message: "", position: { offset: start, line: 1, column: 1 }, span: { start, end } };
}

describe("places of errors", () => {
  it("are found behind characters of several bytes", () => {
    const text = 'r.table("é🙂").flter(1)';
    const place = placeOf(errorAt(text, "flter"), text);
    expect(place && text.slice(place.from, place.to)).toBe("flter");
  });

  it("take the word where there is no end", () => {
    const text = "r.flter(1)";
    const error = { kind: "", message: "", position: { offset: 2, line: 1, column: 3 } };
    const place = placeOf(error, text);
    expect(place && text.slice(place.from, place.to)).toBe("flter");
  });

  it("are absent where the server tells none", () => {
    expect(placeOf({ kind: "", message: "" }, "r")).toBeNull();
  });

  it("are shown in their line", () => {
    const text = "r.table('a')\n  .flter(1)\n  .count()";
    expect(excerptOf(text, { from: 16, to: 21 })).toEqual({ line: 2, before: "  .", at: "flter", after: "(1)" });
  });
});
