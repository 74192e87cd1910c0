import { expect, it } from "vitest";
import { Series } from "./series";

it("keeps the last values of each line", () => {
  const series = new Series(2, 3);
  for (let time = 1; time <= 5; time++) series.add(time, [time * 10, time * 100]);
  expect(series.columns()).toEqual([[3, 4, 5], [30, 40, 50], [300, 400, 500]]);
});
