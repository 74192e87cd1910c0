import { describe, expect, it } from "vitest";
import { CONTENT_HEIGHT_MAX_PX, rowWindow, scrollToRow } from "./window";

describe("the window of rows", () => {
  it("holds what is in view and a margin", () => {
    const view = rowWindow(1000, 30, 3000, 600);
    expect(view).toEqual({ first: 92, end: 129, top_px: 92 * 30, height_px: 30_000 });
  });

  it("ends with the last row", () => {
    expect(rowWindow(5, 30, 0, 600)).toMatchObject({ first: 0, end: 5 });
    expect(rowWindow(0, 30, 0, 600)).toMatchObject({ first: 0, end: 0, height_px: 0 });
  });

  it("reaches every row of a list that is too long to draw", () => {
    const count = 10_000_000;
    const last = rowWindow(count, 30, CONTENT_HEIGHT_MAX_PX - 600, 600);
    expect(last.end).toBe(count);
    expect(last.height_px).toBe(CONTENT_HEIGHT_MAX_PX);
    for (const row of [0, 1234, count / 2, count - 1]) {
      const scroll = scrollToRow(row, count, 30, 0, 600) ?? 0;
      const view = rowWindow(count, 30, scroll, 600);
      expect(view.first <= row && row < view.end, `row ${row}`).toBe(true);
    }
  });

  it("does not scroll to what is in view", () => {
    expect(scrollToRow(10, 100, 30, 0, 600)).toBeNull();
    expect(scrollToRow(30, 100, 30, 0, 600)).toBe(330);
  });
});
