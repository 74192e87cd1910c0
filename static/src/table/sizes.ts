import { run } from "../api/client";
import { reql, systemTable } from "../api/reql";
import type { Document } from "../api/types";
import { catalog } from "../lib/catalog.svelte";
import { isDocument } from "../lib/values";

export interface Storage {
  data_bytes: number;
  garbage_bytes: number;
  metadata_bytes: number;
  preallocated_bytes: number;
  cache_bytes: number;
}

/** What the files take: documents, what is not freed yet, the log, and room for more. */
export function diskBytes(storage: Storage): number {
  return storage.data_bytes + storage.garbage_bytes + storage.metadata_bytes + storage.preallocated_bytes;
}

export interface Sizes {
  /** Documents by `database.table`. */
  counts: Map<string, number>;
  /** Bytes of the documents, estimated, by the table's id. */
  bytes: Map<string, number>;
  /** Documents read and written per second, by the table's id. */
  rates: Map<string, { reads: number; writes: number }>;
  /** What all tables together take. */
  storage: Storage | null;
}

/** Tables that are counted in one query. */
const COUNTED_MAX = 500;

/** Sizes of all tables. Counting reads no rows, so it may be asked for often. */
export async function fetchSizes(): Promise<Sizes> {
  if (catalog.namesOnly) return { counts: new Map(), bytes: new Map(), rates: new Map(), storage: null };
  const names = catalog.tables.slice(0, COUNTED_MAX).map(({ db, name }) => ({ db, name }));
  const query = reql`r.expr({
    counts: r.expr(${names}).map(t => [t("db").add(".").add(t("name")), r.db(t("db")).table(t("name")).count().default(null)]).coerceTo("array"),
    stats: ${systemTable("stats")}.coerceTo("array")
  })`;
  const answer = await run<{ counts: [string, number | null][]; stats: Document[] }>(query);
  return {
    counts: new Map(answer.counts.filter((pair): pair is [string, number] => pair[1] !== null)),
    bytes: bytesOf(answer.stats),
    rates: ratesOf(answer.stats),
    storage: storageOf(answer.stats),
  };
}

export function ratesOf(stats: Document[]): Map<string, { reads: number; writes: number }> {
  const rates = new Map<string, { reads: number; writes: number }>();
  for (const row of stats) {
    const [kind, id] = row["id"] as string[];
    const engine = row["query_engine"];
    if (kind !== "table" || !id || !isDocument(engine)) continue;
    rates.set(id, { reads: Number(engine["read_docs_per_sec"]), writes: Number(engine["written_docs_per_sec"]) });
  }
  return rates;
}

export function bytesOf(stats: Document[]): Map<string, number> {
  const bytes = new Map<string, number>();
  for (const row of stats) {
    const [kind, id] = row["id"] as string[];
    const engine = row["storage_engine"] as { table?: { document_bytes_estimated: number } } | undefined;
    if (kind === "table_server" && id && engine?.table) bytes.set(id, engine.table.document_bytes_estimated);
  }
  return bytes;
}

/** The engine's numbers, which are the same in every table's row. */
export function storageOf(stats: Document[]): Storage | null {
  const row = stats.find((other) => (other["id"] as string[])[0] === "table_server");
  const engine = row?.["storage_engine"] as
    | { cache: { in_use_bytes: number }; disk: { space_usage: Omit<Storage, "cache_bytes"> } }
    | undefined;
  return engine ? { ...engine.disk.space_usage, cache_bytes: engine.cache.in_use_bytes } : null;
}
