import { write } from "../api/client";
import type { Document } from "../api/types";
import { plural } from "../lib/format";
import { toasts } from "../lib/toasts.svelte";
import { editQuery, type Edit, type TableName } from "./edits";
import { EditHistory, type Step } from "./history";

/** Makes edits, and undoes them. One for all tables, so that leaving a page loses nothing. */
class Editing {
  canUndo = $state(false);
  canRedo = $state(false);
  /** Rises with each change, for those who show rows. */
  version = $state(0);
  #history = new EditHistory();
  /** The message that offers to undo the last step. */
  #offer = 0;

  /** Makes a step; an edit that the server refuses ends it with its error. */
  async make(step: Step): Promise<void> {
    const made = await this.#apply(step);
    this.#history.add({ ...step, edits: made });
    this.#changed();
    // What it would undo is always the last step.
    toasts.dismiss(this.#offer);
    this.#offer = toasts.say(step.label, { label: "Undo", run: () => void this.undo() });
  }

  async undo(): Promise<void> {
    await this.#step("Undone", (apply) => this.#history.undo(apply));
  }

  async redo(): Promise<void> {
    await this.#step("Done again", (apply) => this.#history.redo(apply));
  }

  async #step(word: string, move: (apply: (step: Step) => Promise<void>) => Promise<Step | null>): Promise<void> {
    toasts.dismiss(this.#offer);
    try {
      const step = await move(async (turned) => void (await this.#apply(turned)));
      if (step) toasts.say(`${word}: ${step.label}`);
    } catch (error) {
      toasts.fail(error);
    }
    this.#changed();
  }

  /** Gives the edits as they came out: a write hook may have its own idea of a document. */
  async #apply(step: Step): Promise<Edit[]> {
    const made: Edit[] = [];
    for (const edit of step.edits) {
      const summary = await write(editQuery(step.place, edit));
      const change = summary.changes?.[0];
      made.push(change ? { key: edit.key, before: change.old_val, after: change.new_val } : edit);
    }
    return made;
  }

  #changed(): void {
    this.canUndo = this.#history.canUndo;
    this.canRedo = this.#history.canRedo;
    this.version += 1;
  }
}

export const editing = new Editing();

/** The deletion of some documents as one step. */
export function deletion(place: TableName, primaryKey: string, documents: Document[]): Step {
  const edits = documents.map((before) => ({ key: before[primaryKey] ?? null, before, after: null }));
  return { label: `Deleted ${plural(documents.length, "document")} of ${place.table}.`, place, edits };
}
