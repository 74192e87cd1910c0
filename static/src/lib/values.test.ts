import { expect, it } from "vitest";
import type { Document } from "../api/types";
import { binaryLength, columnsOf, equalJson, printTime, typeOf } from "./values";

it("tells pseudo-types from objects", () => {
  expect(typeOf({ $reql_type$: "GEOMETRY", type: "Point", coordinates: [0, 0] })).toBe("geometry");
  expect(typeOf({ $reql_type$: "OTHER" })).toBe("object");
  expect(typeOf({})).toBe("object");
});

it("prints times in their zone", () => {
  expect(printTime({ $reql_type$: "TIME", epoch_time: 0, timezone: "-03:30" })).toBe("1969-12-31 20:30:00.000-03:30");
});

it("counts the bytes of binary values", () => {
  expect(["", "YQ==", "YWI=", "YWJj"].map((data) => binaryLength({ $reql_type$: "BINARY", data }))).toEqual([0, 1, 2, 3]);
});

it("puts the key first, and columns that few rows have last", () => {
  const rows: Document[] = [{ a: 1, id: 1, rare: 1 }, { a: 2, b: 1, id: 2 }, { a: 1, b: 1, id: 3 }];
  expect(columnsOf([...rows, 4])).toEqual(["id", "a", "b", "rare"]);
  expect(columnsOf([{ a: 1, code: 2 }], "code")).toEqual(["code", "a"]);
});

it("leaves columns in their places when one row loses some", () => {
  const rows = Array.from({ length: 10 }, (_, id) => ({ a: 1, b: 2, c: 3, id }));
  expect(columnsOf([{ c: 3, d: 4, id: 10 }, ...rows])).toEqual(["id", "a", "b", "c", "d"]);
});

it("compares values whatever the order of their fields", () => {
  expect(equalJson({ a: [1, { b: 2, c: 3 }] }, { a: [1, { c: 3, b: 2 }] })).toBe(true);
  expect(equalJson({ a: 1 }, { a: "1" })).toBe(false);
});
