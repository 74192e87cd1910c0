import type { Json } from "./types";

/** A query in text form, built safely: values become JSON literals, queries are put in as they are. */
export class Query {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

/** ``reql`r.table(${name}).limit(${10})` `` */
export function reql(parts: TemplateStringsArray, ...values: (Json | Query)[]): Query {
  let text = parts[0] ?? "";
  values.forEach((value, index) => {
    text += (value instanceof Query ? value.text : JSON.stringify(value)) + (parts[index + 1] ?? "");
  });
  return new Query(text);
}

/** A table of a database. */
export function tableQuery(database: string, table: string): Query {
  return reql`r.db(${database}).table(${table})`;
}

/** A table that describes the server. */
export function systemTable(name: string): Query {
  return tableQuery("rethinkdb", name);
}
