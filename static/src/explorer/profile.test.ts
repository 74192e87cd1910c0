import { expect, it } from "vitest";
import { profileLines } from "./profile";

it("lists tasks within tasks, with their share of the longest", () => {
  const lines = profileLines([
    {
      description: "Evaluating filter.",
      "duration(ms)": 8,
      sub_tasks: [{ description: "Perform read on shard.", "duration(ms)": 6, rows: 1200, sub_tasks: [] }],
      parallel_tasks: [[{ description: "Row.", "mean_duration(ms)": 0.5, n_samples: 4 }]],
    },
  ]);
  expect(lines.map(({ depth, description }) => [depth, description])).toEqual([
    [0, "Evaluating filter."],
    [1, "Perform read on shard."],
    [1, "Row."],
  ]);
  expect(lines[1]).toMatchObject({ time_ms: 6, share: 0.75, notes: ["1,200 rows"] });
  expect(lines[2]).toMatchObject({ time_ms: 2, share: 0.25 });
});
