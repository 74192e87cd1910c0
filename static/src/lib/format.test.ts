import { expect, it } from "vitest";
import { formatBytes, formatCount, formatMilliseconds, formatSeconds, formatShort, plural } from "./format";

it("keeps figures short", () => {
  expect([0, 0.25, 7, 999, 1000, 12_345, 4_560_000].map(formatShort)).toEqual(["0", "0.3", "7", "999", "1.00k", "12.3k", "4.56M"]);
  expect(formatCount(1234567)).toBe("1,234,567");
});

it("chooses units", () => {
  expect([0, 512, 1024, 1536, 300 * 1024 ** 2, 2 ** 40].map(formatBytes)).toEqual(["0 B", "512 B", "1.0 KiB", "1.5 KiB", "300 MiB", "1.0 TiB"]);
  expect([0.5, 42, 1500].map(formatMilliseconds)).toEqual(["0.50 ms", "42 ms", "1.5 s"]);
  expect([5, 75, 3720, 90_000].map(formatSeconds)).toEqual(["5.0 s", "1 min", "1 h 2 min", "1 d 1 h"]);
});

it("counts in words", () => {
  expect([plural(1, "row"), plural(2000, "row"), plural(2, "index", "indexes")]).toEqual(["1 row", "2,000 rows", "2 indexes"]);
});
