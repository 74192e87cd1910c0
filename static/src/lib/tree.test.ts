import { describe, expect, it } from "vitest";
import { flatten, turn } from "./tree";

const VALUES = [{ id: 1, at: { $reql_type$: "TIME", epoch_time: 0, timezone: "+00:00" }, tags: ["a", "b"], none: {} }];

describe("the tree", () => {
  it("opens branches down to a depth", () => {
    const closed = flatten(VALUES, { openDepth: 0, turned: new Set() });
    expect(closed).toHaveLength(1);
    expect(closed[0]).toMatchObject({ branch: true, open: false, label: null });
    const open = flatten(VALUES, { openDepth: 1, turned: new Set() });
    expect(open.map(({ label, depth }) => [label, depth])).toEqual([
      [null, 0],
      ["id", 1],
      ["at", 1],
      ["tags", 1],
      ["none", 1],
    ]);
  });

  it("turns single branches", () => {
    const [root] = flatten(VALUES, { openDepth: 0, turned: new Set() });
    const turned = turn(new Set(), root?.path ?? "");
    expect(flatten(VALUES, { openDepth: 0, turned })).toHaveLength(5);
    expect(flatten(VALUES, { openDepth: 0, turned: turn(turned, root?.path ?? "") })).toHaveLength(1);
  });

  it("shows pseudo-types as values and empty objects as leaves", () => {
    const lines = flatten(VALUES, { openDepth: 1, turned: new Set() });
    expect(lines.find(({ label }) => label === "at")).toMatchObject({ type: "time", branch: false, text: "1970-01-01 00:00:00.000Z" });
    expect(lines.find(({ label }) => label === "none")).toMatchObject({ branch: false, text: "{}" });
  });

  it("tells of a closed branch what it holds", () => {
    const change = { new_val: { id: 1, state: "paid", lines: [{}, {}], to: { city: "Oslo" }, none: {}, more: 1 }, old_val: null };
    const [line] = flatten([change], { openDepth: 0, turned: new Set() });
    expect(line?.text).toBe("new_val: { id: 1, state: paid, lines: [2], to: {…}, none: {}, … }, old_val: null");
  });

  it("numbers many values and gives each line a path of its own", () => {
    const lines = flatten([{ a: { b: 1 } }, { a: { b: 1 } }, [1]], { openDepth: 9, turned: new Set() });
    expect(lines[0]?.label).toBe("0");
    expect(new Set(lines.map(({ path }) => path)).size).toBe(lines.length);
  });
});
