import { describe, expect, it } from "vitest";
import { exportRows, toCsv } from "./export";

describe("export", () => {
  it("quotes what a reader of CSV would trip over", () => {
    expect(toCsv([{ id: 1, text: 'say "hi", then\ngo' }])).toBe('id,text\r\n1,"say ""hi"", then\ngo"\r\n');
  });

  it("gives every row every column", () => {
    expect(toCsv([{ id: 1, a: null }, { id: 2, b: [1, 2] }])).toBe('id,a,b\r\n1,,\r\n2,,"[1,2]"\r\n');
  });

  it("writes times as people read them", () => {
    const time = { $reql_type$: "TIME", epoch_time: 1.5, timezone: "+02:00" };
    expect(toCsv([{ at: time }])).toBe("at\r\n1970-01-01 02:00:01.500+02:00\r\n");
  });

  it("has one column for rows that are no objects", () => {
    expect(toCsv([1, "a,b"])).toBe('value\r\n1\r\n"a,b"\r\n');
  });

  it("writes JSON whole or line by line", () => {
    const rows = [{ a: 1 }, [2]];
    expect(JSON.parse(exportRows(rows, "json"))).toEqual(rows);
    expect(exportRows(rows, "ndjson")).toBe('{"a":1}\n[2]\n');
  });
});
