import { inverse, type Edit, type TableName } from "./edits";

/** Edits that were made together and are undone together. */
export interface Step {
  label: string;
  place: TableName;
  edits: Edit[];
}

/** Steps that are kept. */
export const STEPS_MAX = 100;

/** What was done, to be undone and done again. */
export class EditHistory {
  #done: Step[] = [];
  #undone: Step[] = [];

  get canUndo(): boolean {
    return this.#done.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  /** Notes a step; what had been undone can no longer be done again. */
  add(step: Step): void {
    this.#done = [...this.#done, step].slice(-STEPS_MAX);
    this.#undone = [];
  }

  /** The step that undoes the last one. It counts as undone once `apply` has succeeded. */
  async undo(apply: (step: Step) => Promise<void>): Promise<Step | null> {
    const step = this.#done.at(-1);
    if (!step) return null;
    await apply({ ...step, edits: step.edits.map(inverse).reverse() });
    this.#done = this.#done.filter((other) => other !== step);
    this.#undone.push(step);
    return step;
  }

  async redo(apply: (step: Step) => Promise<void>): Promise<Step | null> {
    const step = this.#undone.at(-1);
    if (!step) return null;
    await apply(step);
    this.#undone = this.#undone.filter((other) => other !== step);
    this.#done.push(step);
    return step;
  }
}
