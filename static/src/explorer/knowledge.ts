import { catalog, SYSTEM_DATABASE } from "../lib/catalog.svelte";
import { terms } from "../lib/terms.svelte";
import type { Knowledge } from "./completion";

/** What is known of this server, for completion. */
export function knowledgeOf(defaultDatabase: string): Knowledge {
  return {
    terms: terms.list,
    defaultDatabase,
    prepare: (database, table) => catalog.sample(database, table),
    databases: () => [...catalog.databases, SYSTEM_DATABASE],
    tables: (database) => catalog.tableNames(database),
    fields: (database, table) => catalog.fields(database, table),
    indexes: (database, table) => catalog.find(database, table)?.indexes ?? [],
  };
}
