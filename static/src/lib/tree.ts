import type { Document, Json } from "../api/types";
import { plural } from "./format";
import { isDocument, printShort, typeOf, type ValueType } from "./values";

/** One line of a tree of values. */
export interface TreeLine {
  /** The way to the value: names and positions, joined; unique. */
  path: string;
  depth: number;
  /** The field's name or the position, null at the top. */
  label: string | null;
  type: ValueType;
  /** The value in a line, of a branch a summary. */
  text: string;
  /** How much a branch holds, in words. */
  size: string;
  branch: boolean;
  open: boolean;
}

/** Which branches differ from what their depth says. */
export interface TreeState {
  /** Branches above this depth are open. */
  openDepth: number;
  turned: ReadonlySet<string>;
}

/** Entries of one branch that are shown. */
export const ENTRIES_MAX = 10_000;
/** Fields of a branch, and of an object in it, that its line shows. */
const SUMMARY_FIELDS_MAX = 6;
const INNER_FIELDS_MAX = 5;
const SUMMARY_LENGTH_MAX = 240;
const SEPARATOR = "\u001f";

/** The lines of some values, one below the other. */
export function flatten(values: readonly Json[], state: TreeState): TreeLine[] {
  const lines: TreeLine[] = [];
  const many = values.length > 1;
  values.forEach((value, index) => addLine(lines, value, many ? String(index) : null, String(index), 0, state));
  return lines;
}

export function turn(turned: ReadonlySet<string>, path: string): Set<string> {
  const next = new Set(turned);
  if (!next.delete(path)) next.add(path);
  return next;
}

function addLine(
  lines: TreeLine[],
  value: Json,
  label: string | null,
  path: string,
  depth: number,
  state: TreeState,
): void {
  const type = typeOf(value);
  const branch = (type === "array" && (value as Json[]).length > 0) || (type === "object" && hasFields(value));
  const open = branch && (depth < state.openDepth) !== state.turned.has(path);
  lines.push({ path, depth, label, type, text: branch ? summary(value) : printShort(value, 2000), size: branch ? sizeOf(value) : "", branch, open });
  if (!open) return;
  const entries = Array.isArray(value) ? value.map((item, index) => [String(index), item] as const) : Object.entries(value as Document);
  for (const [name, entry] of entries.slice(0, ENTRIES_MAX)) {
    addLine(lines, entry, name, path + SEPARATOR + name, depth + 1, state);
  }
}

function hasFields(value: Json): boolean {
  return isDocument(value) && Object.keys(value).length > 0;
}

/** The first fields, those of objects inside too: a change of a document says what it was about. */
function summary(value: Json): string {
  if (Array.isArray(value)) return sizeOf(value);
  const text = fieldsOf(value as Document, SUMMARY_FIELDS_MAX, (field) =>
    hasFields(field) && typeOf(field) === "object" ? `{ ${fieldsOf(field as Document, INNER_FIELDS_MAX, briefly)} }` : briefly(field),
  );
  return text.length > SUMMARY_LENGTH_MAX ? `${text.slice(0, SUMMARY_LENGTH_MAX)}…` : text;
}

function fieldsOf(document: Document, fields_max: number, print: (field: Json) => string): string {
  const fields = Object.entries(document);
  const shown = fields.slice(0, fields_max).map(([name, field]) => `${name}: ${print(field)}`);
  return [...shown, ...(fields.length > fields_max ? ["…"] : [])].join(", ");
}

function sizeOf(value: Json): string {
  return Array.isArray(value) ? plural(value.length, "item") : plural(Object.keys(value as Document).length, "field");
}

function briefly(value: Json): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  if (typeOf(value) === "object") return hasFields(value) ? "{…}" : "{}";
  return printShort(value, 40);
}
