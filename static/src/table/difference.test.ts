import { expect, it } from "vitest";
import { differences, kindOf } from "./difference";

it("tells what a change changed", () => {
  const change = { old_val: { id: 1, a: 1, b: [1], gone: true }, new_val: { id: 1, a: 2, b: [1], come: null } };
  expect(kindOf(change)).toBe("changed");
  expect(differences(change, "id")).toEqual([
    { field: "a", before: 1, after: 2 },
    { field: "gone", before: true, after: undefined },
    { field: "come", before: undefined, after: null },
  ]);
  expect(kindOf({ old_val: null, new_val: { id: 1 } })).toBe("inserted");
  expect(kindOf({ old_val: { id: 1 }, new_val: null })).toBe("deleted");
});
