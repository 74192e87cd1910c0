import { isDenied, messageOf, run } from "../api/client";
import { reql, systemTable, tableQuery } from "../api/reql";
import type { Document } from "../api/types";
import { columnsOf } from "./values";

export interface TableInfo {
  id: string;
  db: string;
  name: string;
  primary_key: string;
  durability: "hard" | "soft";
  write_acks: "single" | "majority";
  indexes: string[];
  write_hook: { query: string } | null;
  ttl?: { field: string; seconds?: number };
}

/** Documents that are looked at to find out which fields a table has. */
const SAMPLE_ROWS = 40;
/** Tables of the server itself, which `table_config` does not list. */
export const SYSTEM_DATABASE = "rethinkdb";

/** The databases and tables, for pages and for completion. */
class CatalogStore {
  databases = $state.raw<string[]>([]);
  tables = $state.raw<TableInfo[]>([]);
  systemTables = $state.raw<string[]>([]);
  failure = $state<string | null>(null);
  /** Whether only names are known: the user may not read the system tables. */
  namesOnly = $state(false);
  #fields = new Map<string, string[]>();
  #samples = new Map<string, Promise<void>>();

  async load(): Promise<void> {
    try {
      const query = reql`r.expr({
        databases: r.dbList().filter(db => db.ne(${SYSTEM_DATABASE})),
        tables: ${systemTable("table_config")}.coerceTo("array"),
        system: r.db(${SYSTEM_DATABASE}).tableList()
      })`;
      const answer = await run<{ databases: string[]; tables: TableInfo[]; system: string[] }>(query);
      this.databases = answer.databases.sort();
      this.tables = answer.tables.sort((left, right) => (left.name < right.name ? -1 : 1));
      this.systemTables = answer.system;
      this.failure = null;
      this.namesOnly = false;
    } catch (error) {
      this.failure = messageOf(error);
      if (isDenied(error)) await this.#loadNames();
    }
  }

  find(database: string, table: string): TableInfo | undefined {
    return this.tables.find(({ db, name }) => db === database && name === table);
  }

  tableNames(database: string): string[] {
    if (database === SYSTEM_DATABASE) return this.systemTables;
    return this.tables.filter(({ db }) => db === database).map(({ name }) => name);
  }

  /** Fields that are known by now. */
  fields(database: string, table: string): string[] {
    return this.#fields.get(`${database}.${table}`) ?? [];
  }

  /** Looks at some documents of a table, once. */
  sample(database: string, table: string): Promise<void> {
    const name = `${database}.${table}`;
    if (this.#fields.has(name) || !this.tableNames(database).includes(table)) return Promise.resolve();
    const known = this.#samples.get(name) ?? this.#look(name, database, table);
    this.#samples.set(name, known);
    return known;
  }

  /** Fields that a page has seen anyway. */
  learnFields(database: string, table: string, fields: string[]): void {
    this.#fields.set(`${database}.${table}`, fields);
  }

  async #look(name: string, database: string, table: string): Promise<void> {
    try {
      const rows = await run<Document[]>(reql`${tableQuery(database, table)}.limit(${SAMPLE_ROWS})`);
      this.#fields.set(name, columnsOf(rows));
    } catch {
      // Without a permission to read there is nothing to propose.
    }
  }

  /** Users other than `admin` may not read the system tables, but what they may use has names. */
  async #loadNames(): Promise<void> {
    try {
      const named = await run<{ db: string; tables: string[] }[]>(
        reql`r.dbList().filter(db => db.ne(${SYSTEM_DATABASE})).map(db => ({db: db, tables: r.db(db).tableList()}))`,
      );
      this.databases = named.map(({ db }) => db).sort();
      this.tables = named.flatMap(({ db, tables }) => tables.map((name) => unknownTable(db, name)));
      this.failure = null;
      this.namesOnly = true;
    } catch (error) {
      this.failure = messageOf(error);
    }
  }
}

function unknownTable(db: string, name: string): TableInfo {
  const usual = { primary_key: "id", durability: "hard", write_acks: "majority", indexes: [], write_hook: null } as const;
  return { id: `${db}.${name}`, db, name, ...usual, indexes: [] };
}

export const catalog = new CatalogStore();
