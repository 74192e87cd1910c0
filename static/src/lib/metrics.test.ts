import { describe, expect, it } from "vitest";
import { histogram, parseMetrics, quantile, total, type Buckets } from "./metrics";

const TEXT = `# HELP photondb_feeds_open Changefeeds that are open.
# TYPE photondb_feeds_open gauge
photondb_feeds_open{door="driver"} 3
photondb_feeds_open{door="http"} 2
time_seconds_bucket{kind="read \\"x\\"",le="0.001"} 10
time_seconds_bucket{kind="read",le="0.01"} 5
time_seconds_bucket{kind="write",le="0.01"} 15
time_seconds_bucket{kind="write",le="+Inf"} 20
`;

describe("metrics", () => {
  it("are summed over their labels", () => {
    const metrics = parseMetrics(TEXT);
    expect(total(metrics, "photondb_feeds_open")).toBe(5);
    expect(total(metrics, "photondb_feeds_open", { door: "http" })).toBe(2);
    expect(total(metrics, "absent")).toBe(0);
    expect(histogram(metrics, "time_seconds")).toEqual([
      [0.001, 10],
      [0.01, 20],
      [Infinity, 20],
    ]);
  });

  it("tell quantiles of what came in between", () => {
    const before: Buckets = [[1, 100], [10, 100], [Infinity, 100]];
    const after: Buckets = [[1, 150], [10, 200], [Infinity, 200]];
    expect(quantile(before, after, 0.5)).toBe(1);
    expect(quantile(before, after, 0.75)).toBe(5.5);
    expect(quantile(after, after, 0.5)).toBeNull();
    expect(quantile([], [[1, 0], [Infinity, 4]], 0.99)).toBe(1);
  });
});
