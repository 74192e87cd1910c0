import { fetchMetrics, run } from "../api/client";
import { reql, systemTable } from "../api/reql";
import type { Document, Json } from "../api/types";
import { histogram, parseMetrics, total, type Buckets, type Metrics } from "../lib/metrics";
import { storageOf, type Storage } from "../table/sizes";

export interface Issue {
  id: string;
  type: string;
  critical: boolean;
  description: string;
  info: Document;
}

export interface LogMessage {
  id: Json;
  level: string;
  message: string;
  timestamp: Document;
  server: string;
  uptime: number;
}

export interface ServerStatus {
  name: string;
  network: { hostname: string; reql_port: number; http_admin_port: number; canonical_addresses: { host: string; port: number }[] };
  process: { version: string; pid: number; cache_size_mb: number; time_started: Document; argv: string[] };
}

/** What the dashboard shows at one moment. */
export interface Snapshot {
  reads: number;
  writes: number;
  queries: number;
  connections: number;
  active: number;
  query_memory_bytes: number;
  storage: Storage | null;
  issues: Issue[];
  logs: LogMessage[];
  status: ServerStatus | null;
  /** What only the metrics tell; null for those who may not see them. */
  metered: Metered | null;
}

export interface Metered {
  feeds: number;
  connections: number;
  /** Reads that the cache has answered, and all of them. */
  cache_hits: number;
  cache_reads: number;
  /** Queries by the seconds that they took. */
  durations: Buckets;
}

/** Messages of the log on the dashboard. */
const LOGS_SHOWN = 8;

export async function fetchSnapshot(): Promise<Snapshot> {
  const metrics = fetchMetrics();
  const answer = await run<{ stats: Document[]; issues: Issue[]; logs: LogMessage[]; status: ServerStatus[] }>(
    reql`r.expr({
      stats: ${systemTable("stats")}.coerceTo("array"),
      issues: ${systemTable("current_issues")}.coerceTo("array"),
      logs: ${systemTable("logs")}.orderBy(r.desc("timestamp"), r.desc("uptime")).limit(${LOGS_SHOWN}).coerceTo("array"),
      status: ${systemTable("server_status")}.coerceTo("array")
    })`,
  );
  const text = await metrics;
  const metered = text === null ? null : meter(parseMetrics(text));
  return { ...digest(answer.stats), issues: answer.issues, logs: answer.logs, status: answer.status[0] ?? null, metered };
}

export function meter(metrics: Metrics): Metered {
  const hits = total(metrics, "photondb_cache_hits_total");
  return {
    feeds: total(metrics, "photondb_feeds_open"),
    connections: total(metrics, "photondb_connections"),
    cache_hits: hits,
    cache_reads: hits + total(metrics, "photondb_cache_misses_total"),
    durations: histogram(metrics, "photondb_query_duration_seconds"),
  };
}

/** Where an issue of some type is solved: a page, and what is done there. */
export const REMEDIES: Record<string, { page: string; label: string }> = {
  admin_without_password: { page: "#/users", label: "Set a password" },
};

type Digest = Omit<Snapshot, "issues" | "logs" | "status" | "metered">;

/** The numbers of the rows of `stats`. */
export function digest(stats: Document[]): Digest {
  const row = stats.find((other) => (other["id"] as string[])[0] === "server");
  const engine = (row?.["query_engine"] ?? {}) as Record<string, number>;
  return {
    reads: engine["read_docs_per_sec"] ?? 0,
    writes: engine["written_docs_per_sec"] ?? 0,
    queries: engine["queries_per_sec"] ?? 0,
    connections: engine["client_connections"] ?? 0,
    active: engine["clients_active"] ?? 0,
    query_memory_bytes: engine["query_memory_bytes"] ?? 0,
    storage: storageOf(stats),
  };
}
