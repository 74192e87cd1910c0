import type { Json } from "../api/types";
import { columnsOf, isDocument, typeOf, printShort } from "./values";

export type ExportFormat = "json" | "ndjson" | "csv";

const TYPES: Record<ExportFormat, string> = {
  json: "application/json",
  ndjson: "application/x-ndjson",
  csv: "text/csv",
};

export function exportRows(rows: readonly Json[], format: ExportFormat): string {
  switch (format) {
    case "json":
      return `${JSON.stringify(rows, null, 2)}\n`;
    case "ndjson":
      return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    case "csv":
      return toCsv(rows);
  }
}

/** RFC 4180: a line of names, quotes where needed, lines that end in CRLF. */
export function toCsv(rows: readonly Json[]): string {
  const columns = columnsOf(rows);
  const lines = rows.every(isDocument)
    ? [columns.map(quote), ...rows.map((row) => columns.map((name) => cell(row[name])))]
    : [["value"], ...rows.map((row) => [cell(row)])];
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

/** Gives the browser a file to save. */
export function download(rows: readonly Json[], format: ExportFormat, name: string): void {
  const blob = new Blob([exportRows(rows, format)], { type: TYPES[format] });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function cell(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  const type = typeOf(value);
  if (type === "string") return quote(value as string);
  return quote(type === "time" ? printShort(value) : JSON.stringify(value));
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
