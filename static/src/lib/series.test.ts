import { expect, it } from "vitest";
import { Series } from "./series";

it("keeps the last values of each line", () => {
  const series = new Series(2, 3, 10);
  for (let time = 1; time <= 5; time++) series.add(time, [time * 10, time * 100]);
  expect(series.columns()).toEqual([[3, 4, 5], [30, 40, 50], [300, 400, 500]]);
});

it("leaves a gap where nobody has looked", () => {
  const series = new Series(1, 10, 5);
  for (const time of [1, 6, 100]) series.add(time, [time]);
  expect(series.columns()).toEqual([[1, 6, 11, 100], [1, 6, null, 100]]);
});
