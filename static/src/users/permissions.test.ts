import { expect, it } from "vitest";
import { clearQuery, collectUsers, grantQuery, said } from "./permissions";

it("grants in the scope that is meant", () => {
  expect(grantQuery("ann", {}, "read", "allow").text).toBe('r.grant("ann", {"read":true})');
  expect(grantQuery("ann", { database: "d" }, "write", "deny").text).toBe('r.db("d").grant("ann", {"write":false})');
  expect(grantQuery("ann", { database: "d", table: "t" }, "config", "inherit").text).toBe('r.db("d").table("t").grant("ann", {"config":null})');
  // `connect` is said of everything only.
  expect(clearQuery("ann", { database: "d" }).text).toBe('r.db("d").grant("ann", {"read":null,"write":null,"config":null})');
});

it("lists the wider scopes first", () => {
  const rows = [
    { user: "ann", database: "d", table: "t", permissions: { read: true } },
    { user: "bob", permissions: { read: true } },
    { user: "ann", database: "d", permissions: { read: false } },
    { user: "ann", permissions: {} },
  ];
  const [ann] = collectUsers([{ id: "ann", password: true }, { id: "bob", password: false }], rows);
  expect(ann?.grants.map(({ database, table }) => [database, table])).toEqual([[undefined, undefined], ["d", undefined], ["d", "t"]]);
  expect(said(ann?.grants[1]?.permissions ?? {}, "read")).toBe("deny");
});
