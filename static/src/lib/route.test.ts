import { expect, it } from "vitest";
import { href, parseRoute } from "./route";

it("finds its way back, whatever the names hold", () => {
  const path = ["tables", "my db", "a/b?c#d"];
  const route = parseRoute(href(path, { query: 'r.table("é&=")' }));
  expect(route.path).toEqual(path);
  expect(route.parameters.get("query")).toBe('r.table("é&=")');
});

it("takes any address", () => {
  expect(parseRoute("").path).toEqual([]);
  expect(parseRoute("#/tables/%E0%A4%A").path).toEqual(["tables", "%E0%A4%A"]);
});
