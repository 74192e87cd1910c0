import type { Document, Json } from "../api/types";

/** What a value is, pseudo-types told apart. */
export type ValueType = "null" | "bool" | "number" | "string" | "array" | "object" | "time" | "binary" | "geometry";

const PSEUDO: Record<string, ValueType> = { TIME: "time", BINARY: "binary", GEOMETRY: "geometry" };

export function isDocument(value: Json | undefined): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function typeOf(value: Json): ValueType {
  if (value === null) return "null";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "number";
  if (typeof value === "string") return "string";
  if (Array.isArray(value)) return "array";
  const pseudo = value["$reql_type$"];
  return (typeof pseudo === "string" && PSEUDO[pseudo]) || "object";
}

/** The moment of a ReQL time. */
export function momentOf(value: Json | undefined): Date | null {
  if (!isDocument(value) || value["$reql_type$"] !== "TIME") return null;
  return new Date(Number(value["epoch_time"]) * 1000);
}

/** A ReQL time in its own time zone, ISO 8601. */
export function printTime(value: Document): string {
  const epoch = Number(value["epoch_time"]);
  const zone = String(value["timezone"] ?? "+00:00");
  const match = /^([+-])(\d\d):?(\d\d)$/.exec(zone);
  const offset_s = match ? (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 3600 + Number(match[3]) * 60) : 0;
  const moment = new Date((epoch + offset_s) * 1000);
  if (Number.isNaN(moment.getTime())) return `epoch ${epoch}`;
  return moment.toISOString().replace("Z", offset_s === 0 ? "Z" : zone).replace("T", " ");
}

/** A value in one line, cut after `length_max` characters. */
export function printShort(value: Json, length_max = 200): string {
  switch (typeOf(value)) {
    case "string":
      return (value as string).slice(0, length_max);
    case "time":
      return printTime(value as Document);
    case "binary":
      return `<binary ${binaryLength(value as Document)} B>`;
    default: {
      const text = JSON.stringify(value);
      return text.length > length_max ? `${text.slice(0, length_max)}…` : text;
    }
  }
}

export function binaryLength(value: Document): number {
  const data = String(value["data"] ?? "").replace(/=+$/, "");
  return Math.floor((data.length * 3) / 4);
}

/**
 * The fields of some documents: the key, then those that most of them have, then the rare ones.
 *
 * Within each group the fullest documents say the order, so that an edit of one document
 * moves no columns about.
 */
export function columnsOf(rows: readonly Json[], primaryKey: string | null = null): string[] {
  const documents = rows.filter(isDocument).map((row) => Object.keys(row));
  const counts = new Map<string, number>();
  // Sorting is stable: documents with as many fields stay in their order.
  for (const fields of documents.toSorted((left, right) => right.length - left.length)) {
    for (const name of fields) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const isRare = (name: string): boolean => (counts.get(name) ?? 0) * 2 < documents.length;
  const names = [...counts.keys()].sort((left, right) => Number(isRare(left)) - Number(isRare(right)));
  const lead = primaryKey ?? "id";
  return names.includes(lead) ? [lead, ...names.filter((name) => name !== lead)] : names;
}

export function equalJson(left: Json | undefined, right: Json | undefined): boolean {
  return left === right || canonical(left) === canonical(right);
}

function canonical(value: Json | undefined): string {
  return JSON.stringify(value, (_, part: Json) => {
    if (!isDocument(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}
