import { addressOf, request } from "./client";

export type BackupMode = "automatic" | "full" | "incremental";

/** What is being done with the backups. */
export interface BackupTask {
  kind: "backup" | "verify";
  set: string | null;
  started_ms: number;
  items: number;
  items_total: number;
  bytes: number;
}

/** What became of the last task. */
export interface BackupOutcome {
  kind: "backup" | "verify";
  set: string | null;
  started_ms: number;
  ended_ms: number;
  bytes: number;
  outcome: "done" | "damaged" | "cancelled" | "failed";
  message: string | null;
  problems: string[];
}

export interface BackupFile {
  name: string;
  kind: "base" | "increment";
  bytes: number;
  items: number;
  first_position: number;
  last_position: number;
  time_ms: number;
}

/** A base and the increments behind it. */
export interface BackupSet {
  name: string;
  directory: string;
  bytes: number;
  first_position: number;
  last_position: number;
  first_ms: number;
  last_ms: number;
  problems: string[];
  verification: { at_ms: number; problems: string[] } | null;
  files: BackupFile[];
}

export interface Backups {
  directory: string;
  running: BackupTask | null;
  last: BackupOutcome | null;
  sets: BackupSet[];
}

const PATH = "backups";
const pathOf = (set: string): string => `${PATH}/sets/${encodeURIComponent(set)}`;

export const fetchBackups = (): Promise<Backups> => request<Backups>("GET", PATH);
export const startBackup = (mode: BackupMode): Promise<BackupTask> => request<BackupTask>("POST", PATH, { mode });
export const cancelBackup = (): Promise<unknown> => request("DELETE", `${PATH}/running`);
export const verifyBackup = (set: string): Promise<BackupTask> => request<BackupTask>("POST", `${pathOf(set)}/verify`);
export const deleteBackup = (set: string): Promise<unknown> => request("DELETE", pathOf(set));
export const downloadAddress = (set: string): string => addressOf(`${pathOf(set)}/download`).href;
