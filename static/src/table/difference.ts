import type { Document, Json } from "../api/types";
import { equalJson, isDocument } from "../lib/values";

/** A change as a feed tells it. */
export interface Change {
  old_val: Document | null;
  new_val: Document | null;
}

export type ChangeKind = "inserted" | "changed" | "deleted";

export interface FieldChange {
  field: string;
  before: Json | undefined;
  after: Json | undefined;
}

export function kindOf(change: Change): ChangeKind {
  if (!change.old_val) return "inserted";
  return change.new_val ? "changed" : "deleted";
}

/** The fields in which two documents differ; of one that comes or goes, all but the key. */
export function differences(change: Change, primaryKey: string): FieldChange[] {
  const before = change.old_val ?? {};
  const after = change.new_val ?? {};
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  names.delete(primaryKey);
  return [...names]
    .filter((field) => !equalJson(before[field], after[field]))
    .map((field) => ({ field, before: before[field], after: after[field] }));
}

export function isChange(row: Json): row is Json & Change & Document {
  return isDocument(row) && ("old_val" in row || "new_val" in row);
}
