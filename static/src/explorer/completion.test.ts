import { describe, expect, it } from "vitest";
import type { Term } from "../api/types";
import { complete, optionName, type Knowledge } from "./completion";
import { enclosingCall } from "./context";

function term(name: string, on: string | null, options: string[] = []): Term {
  return { name, on, options, signature: on ? `${on}.${name}(...)` : `r.expr(value)`, doc: `About ${name}.` };
}

const TABLES: Record<string, string[]> = { test: ["users", "orders"], shop: ["goods"] };
const knowledge: Knowledge = {
  terms: [
    term("db", "r"),
    term("table", "database"),
    term("tableCreate", "database", ["primary_key", "durability"]),
    term("filter", "sequence", ["default"]),
    term("between", "table", ["index", "left_bound", "_internal"]),
    term("upcase", "string"),
    term("now", "r"),
    term("datum", null),
  ],
  defaultDatabase: "test",
  databases: () => Object.keys(TABLES),
  tables: (database) => TABLES[database] ?? [],
  fields: (database, table) => (database === "test" && table === "users" ? ["id", "name", "age"] : []),
  indexes: (_, table) => (table === "users" ? ["by_age"] : []),
};

/** What is proposed at the bar in a text. */
function at(marked: string, known = knowledge): string[] {
  const position = marked.indexOf("|");
  const found = complete(marked.replace("|", ""), position, known);
  return found?.proposals.map(({ label }) => label) ?? [];
}

describe("completion", () => {
  it("begins with r", () => {
    expect(at("r|")).toEqual(["r"]);
    expect(at("|")).toEqual([]);
  });

  it("tells terms of r from those of values", () => {
    expect(at("r.|")).toEqual(["db", "table", "tableCreate", "now", "expr"]);
    expect(at('r.table("users").|')).toEqual(["table", "tableCreate", "filter", "between", "upcase"]);
  });

  it("puts first what fits the call before", () => {
    const text = 'r.table("users").';
    const first = complete(text, text.length, knowledge)?.proposals.filter((proposal) => proposal.first);
    expect(first?.map(({ label }) => label)).toEqual(["filter", "between"]);
  });

  it("replaces what is typed already", () => {
    expect(complete('r.table("users").fil', 20, knowledge)?.from).toBe(17);
    expect(complete('r.table("us', 11, knowledge)?.from).toBe(9);
  });

  it("knows databases and tables", () => {
    expect(at('r.db("|")')).toEqual(["test", "shop"]);
    expect(at('r.table("|')).toEqual(["users", "orders"]);
    expect(at('r.db("shop").table("|")')).toEqual(["goods"]);
    expect(at('r.db("shop").table("goods").eqJoin("a", r.table("|"))')).toEqual(["goods"]);
  });

  it("brings quotes along where there are none", () => {
    expect(complete("r.table(", 8, knowledge)?.proposals[0]?.insert).toBe('"users"');
  });

  it("knows fields wherever texts name them", () => {
    const fields = ["id", "name", "age"];
    for (const text of [
      'r.table("users").filter(r.row("|"))',
      'r.table("users").pluck("id", "|")',
      'r.table("users").filter(user => user("|").gt(3))',
      'r.table("users").group("|")',
      'r.table("users").pluck(["|"])',
      'r.table("users").filter(u => u("address")("|"))',
    ]) {
      expect(at(text), text).toEqual(fields);
    }
  });

  it("proposes options and fields in objects", () => {
    expect(at('r.tableCreate("x", {|})')).toEqual(["primaryKey", "durability"]);
    expect(at('r.table("users").filter({|})')).toEqual(["default", "id", "name", "age"]);
    expect(at('r.table("users").between(1, 2, { index: "|" })')).toEqual(["by_age"]);
    expect(at('r.table("users").between(1, 2, {le|})')).not.toContain("_internal");
    expect(at('r.tableCreate("x", { durability: "|" })')).toEqual(["hard", "soft"]);
  });

  it("completes a part of a query about a known table", () => {
    const part = { ...knowledge, thisTable: "users" };
    expect(at("{|}", part)).toEqual(["id", "name", "age"]);
    expect(at('r.row("|")', part)).toEqual(["id", "name", "age"]);
  });

  it("is silent in comments and in other texts", () => {
    expect(at("// r.|")).toEqual([]);
    expect(at('r.expr("|")')).toEqual([]);
  });

  it("finds the call around the cursor", () => {
    expect(enclosingCall('r.table("users").filter(', 24)).toBe("filter");
    expect(enclosingCall('r.table("users").filter({ a: [1, 2', 34)).toBe("filter");
    expect(enclosingCall("r.now()", 7)).toBeNull();
    expect(enclosingCall("r.now().date()", 10)).toBe("date");
  });

  it("spells options as JavaScript does", () => {
    expect(optionName("left_bound")).toBe("leftBound");
    expect(optionName("_SHORTCUT_")).toBe("_SHORTCUT_");
  });
});
