import { describe, expect, it } from "vitest";
import { CHANGED_MEANWHILE, editQuery, inverse, parseDocument } from "./edits";
import { EditHistory, STEPS_MAX, type Step } from "./history";

const PLACE = { database: "test", table: "users" };
const step = (label: string): Step => ({
  label,
  place: PLACE,
  edits: [
    { key: 1, before: null, after: { id: 1, label } },
    { key: 2, before: { id: 2 }, after: null },
  ],
});

describe("undo", () => {
  it("takes the edits back in the opposite order", async () => {
    const history = new EditHistory();
    history.add(step("a"));
    const applied: Step[] = [];
    const undone = await history.undo(async (turned) => void applied.push(turned));
    expect(undone?.label).toBe("a");
    expect(applied[0]?.edits).toEqual([
      { key: 2, before: null, after: { id: 2 } },
      { key: 1, before: { id: 1, label: "a" }, after: null },
    ]);
    expect([history.canUndo, history.canRedo]).toEqual([false, true]);
  });

  it("keeps a step that could not be undone", async () => {
    const history = new EditHistory();
    history.add(step("a"));
    const refuse = async (): Promise<void> => {
      throw new Error(CHANGED_MEANWHILE);
    };
    await expect(history.undo(refuse)).rejects.toThrow(CHANGED_MEANWHILE);
    expect([history.canUndo, history.canRedo]).toEqual([true, false]);
  });

  it("forgets what was undone once something new is done", async () => {
    const history = new EditHistory();
    history.add(step("a"));
    await history.undo(async () => {});
    history.add(step("b"));
    expect(history.canRedo).toBe(false);
    expect(await history.redo(async () => {})).toBeNull();
  });

  it("is bounded", async () => {
    const history = new EditHistory();
    for (let at = 0; at < STEPS_MAX + 20; at++) history.add(step(String(at)));
    let undone = 0;
    while (await history.undo(async () => {})) undone += 1;
    expect(undone).toBe(STEPS_MAX);
  });
});

describe("edits", () => {
  it("turn round", () => {
    const edit = { key: "k", before: { id: "k" }, after: null };
    expect(inverse(inverse(edit))).toEqual(edit);
  });

  it("become queries that hold whatever is in the names", () => {
    const query = editQuery({ database: 'a"b', table: "t" }, { key: "k", before: null, after: { id: "k", text: "`${x}`" } });
    expect(query.text).toContain('r.db("a\\"b").table("t").get("k").replace(');
    expect(query.text).toContain('"text":"`${x}`"');
  });

  it("are refused when they are no documents or move the key", () => {
    expect(parseDocument("{", "id", null).problem).toMatch(/no JSON/);
    expect(parseDocument("[1]", "id", null).problem).toMatch(/object/);
    expect(parseDocument('{"id": 2}', "id", { id: 1 }).problem).toMatch(/primary key/);
    expect(parseDocument('{"problem": "none"}', "id", null)).toEqual({ document: { problem: "none" } });
  });
});
