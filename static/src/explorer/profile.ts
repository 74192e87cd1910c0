import type { Document, Json } from "../api/types";
import { isDocument } from "../lib/values";

/** One task of a profile. */
export interface ProfileLine {
  depth: number;
  description: string;
  time_ms: number | null;
  /** The time as a part of the longest task's. */
  share: number;
  /** Counts that the task tells: rows, batches, samples. */
  notes: string[];
}

const DURATION = "duration(ms)";
const MEAN = "mean_duration(ms)";
const COUNTS: [string, string][] = [
  ["n_samples", "samples"],
  ["rows", "rows"],
  ["batches", "batches"],
  ["rows_in", "rows in"],
  ["rows_out", "rows out"],
];

/** The tasks of a profile in their order, with the tasks within them deeper. */
export function profileLines(profile: readonly Json[]): ProfileLine[] {
  const lines: ProfileLine[] = [];
  addTasks(lines, profile, 0);
  const longest = Math.max(...lines.map(({ time_ms }) => time_ms ?? 0), 0);
  return lines.map((line) => ({ ...line, share: longest > 0 ? (line.time_ms ?? 0) / longest : 0 }));
}

function addTasks(lines: ProfileLine[], tasks: readonly Json[], depth: number): void {
  for (const task of tasks) {
    if (Array.isArray(task)) addTasks(lines, task, depth);
    else if (isDocument(task)) addTask(lines, task, depth);
  }
}

function addTask(lines: ProfileLine[], task: Document, depth: number): void {
  const counts = COUNTS.flatMap(([field, word]) => {
    const value = task[field];
    return typeof value === "number" ? [`${value.toLocaleString("en-US")} ${word}`] : [];
  });
  lines.push({ depth, description: String(task["description"] ?? "Task"), time_ms: timeOf(task), share: 0, notes: counts });
  for (const inner of ["sub_tasks", "parallel_tasks"]) {
    const tasks = task[inner];
    if (Array.isArray(tasks)) addTasks(lines, tasks, depth + 1);
  }
}

function timeOf(task: Document): number | null {
  const duration = task[DURATION];
  if (typeof duration === "number") return duration;
  const mean = task[MEAN];
  const samples = task["n_samples"];
  return typeof mean === "number" && typeof samples === "number" ? mean * samples : null;
}
