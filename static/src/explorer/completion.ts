import type { Term } from "../api/types";
import { contextAt, type Names } from "./context";

/** What completion knows of the server. */
export interface Knowledge {
  terms: readonly Term[];
  /** The database of tables without one. */
  defaultDatabase: string;
  /** The table that a text is about which is only a part of a query, such as a filter. */
  thisTable?: string;
  /** Comes back when the fields of a table have been looked at. */
  prepare?(database: string, table: string): Promise<void>;
  databases(): readonly string[];
  tables(database: string): readonly string[];
  /** Names of fields, as far as they have been seen. */
  fields(database: string, table: string): readonly string[];
  indexes(database: string, table: string): readonly string[];
}

export interface Proposal {
  label: string;
  kind: "term" | "database" | "table" | "field" | "index" | "option" | "value";
  /** What is put in, where it is not the label. */
  insert?: string;
  detail?: string;
  doc?: string;
  options?: readonly string[];
  /** Whether it is likelier than others of its kind. */
  first?: boolean;
}

export interface Completion {
  from: number;
  proposals: Proposal[];
}

/** Terms whose texts name fields. */
const FIELD_CALLS = new Set([
  "()", "getField", "pluck", "without", "hasFields", "withFields", "orderBy", "group", "sum", "avg", "min", "max",
  "asc", "desc", "distinct", "eqJoin", "indexCreate", "map", "concatMap", "filter", "contains",
]);
/** Terms whose texts name indexes. */
const INDEX_CALLS = new Set(["index", "indexDrop", "indexRename", "indexStatus", "indexWait"]);
/** Values of options that have few. */
const VALUES: Record<string, string[]> = {
  conflict: ["error", "replace", "update"],
  durability: ["hard", "soft"],
  readMode: ["single", "majority", "outdated"],
  leftBound: ["open", "closed"],
  rightBound: ["open", "closed"],
  unit: ["m", "km", "mi", "nm", "ft"],
  coerceTo: ["array", "string", "number", "object", "binary"],
};

export function complete(text: string, position: number, knowledge: Knowledge): Completion | null {
  const context = contextAt(text, position);
  switch (context.place) {
    case "term":
      return { from: context.from, proposals: terms(knowledge, context.onR, context.after) };
    case "option": {
      const call = context.call ?? "filter";
      const offered = context.call === null ? [] : options(knowledge, call);
      const proposals = [...offered, ...fieldsOf(knowledge, context.names, call)];
      return proposals.length > 0 ? { from: context.from, proposals } : null;
    }
    case "argument": {
      const proposals = values(knowledge, context.call, context.names);
      if (proposals.length === 0) return null;
      if (context.quoted) return { from: context.from, proposals };
      // Where a text may begin, its quotes come along.
      return { from: context.from, proposals: proposals.map((proposal) => ({ ...proposal, insert: JSON.stringify(proposal.label) })) };
    }
    case "start": {
      if (context.typed === "") return null;
      return { from: context.from, proposals: [{ label: "r", kind: "term", doc: "Where every query begins." }] };
    }
    case "none":
      return null;
  }
}

/** Terms of other values that may begin a query, too. */
const ALSO_ON_R = new Set(["map", "union", "do", "and", "or", "not", "add", "sub", "mul", "div", "typeOf"]);

/** Whether a term is called on `r` itself. */
export function standsOnR(term: Term): boolean {
  return receiverOf(term) === "r" || term.on === "database" || ALSO_ON_R.has(term.name);
}

/** How a term is written: that of literals is `expr`. */
export function writtenName(term: Term): string {
  return /^\w+\.(\w+)/.exec(term.signature)?.[1] ?? term.name;
}

function receiverOf(term: Term): string | null {
  return term.on ?? /^(r)\./.exec(term.signature)?.[1] ?? null;
}

/** The spelling of JavaScript for an option: `left_bound` is `leftBound`. */
export function optionName(name: string): string {
  return name.replace(/(?<=.)_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** What is called on the result of some terms, and is therefore proposed first. */
const PREFERRED: Record<string, string[]> = {
  db: ["database"],
  table: ["table", "selection", "sequence"],
  get: ["selection", "object"],
  getAll: ["selection", "sequence"],
  between: ["selection", "sequence"],
  filter: ["selection", "sequence"],
  orderBy: ["selection", "sequence"],
  map: ["sequence"],
  group: ["groups", "sequence"],
  "()": ["value", "string", "number", "array"],
  now: ["time"],
};

function terms(knowledge: Knowledge, onR: boolean, after: string | null): Proposal[] {
  const preferred = PREFERRED[after ?? ""] ?? [];
  const fits = (term: Term): boolean => (onR ? standsOnR(term) : receiverOf(term) !== null && receiverOf(term) !== "r");
  return knowledge.terms.filter(fits).map((term) => ({
    label: writtenName(term),
    kind: "term",
    detail: term.signature,
    doc: term.doc,
    options: term.options.map(optionName),
    first: preferred.includes(term.on ?? ""),
  }));
}

function options(knowledge: Knowledge, call: string): Proposal[] {
  const term = knowledge.terms.find(({ name }) => name === call);
  const names = (term?.options ?? []).filter((name) => !name.startsWith("_")).map(optionName);
  return names.map((label) => ({ label, kind: "option", insert: `${label}: `, detail: `option of ${call}` }));
}

function values(knowledge: Knowledge, call: string, names: Names): Proposal[] {
  const as = (labels: readonly string[], kind: Proposal["kind"], detail?: string): Proposal[] =>
    labels.map((label) => ({ label, kind, ...(detail ? { detail } : {}) }));
  const database = names.database ?? knowledge.defaultDatabase;
  if (call === "db" || call === "dbDrop") return as(knowledge.databases(), "database");
  if (call === "table" || call === "tableDrop") return as(knowledge.tables(database), "table", database);
  if (VALUES[call]) return as(VALUES[call], "value");
  if (INDEX_CALLS.has(call) && names.table) return as(knowledge.indexes(database, names.table), "index", names.table);
  return FIELD_CALLS.has(call) ? fieldsOf(knowledge, names, "filter") : [];
}

/** In the objects of these terms, names are those of fields. */
const DOCUMENT_CALLS = new Set(["filter", "update", "insert", "replace", "merge", "pluck", "without", "hasFields"]);

function fieldsOf(knowledge: Knowledge, names: Names, call: string): Proposal[] {
  const table = names.table ?? knowledge.thisTable;
  if (!table || !DOCUMENT_CALLS.has(call)) return [];
  const fields = knowledge.fields(names.database ?? knowledge.defaultDatabase, table);
  return fields.map((label) => ({ label, kind: "field", detail: table }));
}
