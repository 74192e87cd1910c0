import { reql, tableQuery, type Query } from "../api/reql";
import type { Document, Json } from "../api/types";
import { equalJson } from "../lib/values";

export interface TableName {
  database: string;
  table: string;
}

/** A change of one document: from what it was to what it is; null where there is none. */
export interface Edit {
  key: Json;
  before: Document | null;
  after: Document | null;
}

export const CHANGED_MEANWHILE = "Somebody else has changed this document meanwhile.";

/**
 * The query that makes an edit. It refuses when the document is no longer what it was, so
 * that neither an edit nor its undoing overwrites what somebody else wrote.
 */
export function editQuery({ database, table }: TableName, edit: Edit): Query {
  const target = reql`${tableQuery(database, table)}.get(${edit.key})`;
  return reql`${target}.replace(doc => r.branch(doc.eq(${edit.before}), ${edit.after}, r.error(${CHANGED_MEANWHILE})), {returnChanges: true})`;
}

export function inverse(edit: Edit): Edit {
  return { key: edit.key, before: edit.after, after: edit.before };
}

/** What somebody typed: a document, or what is wrong with it. */
export type Typed = { document: Document; problem?: never } | { problem: string };

export function parseDocument(text: string, primaryKey: string, before: Document | null): Typed {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    return { problem: `This is no JSON: ${(error as Error).message}` };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { problem: 'A document is an object: { "field": value }.' };
  }
  if (before && !equalJson(value[primaryKey], before[primaryKey])) {
    return { problem: `The primary key \`${primaryKey}\` of a document stays as it is.` };
  }
  return { document: value };
}
