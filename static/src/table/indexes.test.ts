import { expect, it } from "vitest";
import { arrowForm, functionOfHook, functionOfIndex } from "./indexes";

it("shows the function of an index as people write it", () => {
  const of = (query: string): string => functionOfIndex({ query });
  expect(of("indexCreate('age', function(_var19) { return _var19.getField(\"age\"); })")).toBe('row => row("age")');
  expect(of('indexCreate("it\'s", function(_var1) { return [_var1("a"), _var1("b")]; }, {multi: true})')).toBe('row => [row("a"), row("b")]');
  expect(of("indexCreate('age', function(_var3) { return r.row(\"age\"); })")).toBe('r.row("age")');
  expect(of("something else")).toBe("something else");
});

it("keeps names apart that begin alike", () => {
  expect(arrowForm("function(_var1, _var12) { return _var12.add(_var1); }")).toBe("(_var1, _var12) => _var12.add(_var1)");
});

it("takes the call away from a write hook", () => {
  expect(functionOfHook("setWriteHook(function(_var1, _var2, _var3) { return _var3; })")).toBe("(_var1, _var2, _var3) => _var3");
});
