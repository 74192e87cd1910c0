import type { Query } from "./reql";
import type { Document, ErrorBody, Json, QueryAnswer, QueryOptions, SessionAnswer, Term } from "./types";

/** Rows that a page takes into memory of one query. */
const ROWS_MAX = 50_000;

export class ApiError extends Error {
  readonly status: number;
  readonly body: ErrorBody;

  constructor(status: number, body: ErrorBody) {
    super(body.message);
    this.status = status;
    this.body = body;
  }
}

/** What an error says, whatever it is. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether an error says that the user may not do what was tried. */
export function isDenied(error: unknown): boolean {
  return error instanceof ApiError && error.body.kind === "ReqlPermissionsError";
}

let csrfToken: string | null = null;
let onUnauthorized: () => void = () => {};

export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Called when the server says that nobody is logged in any more. */
export function whenUnauthorized(handler: () => void): void {
  onUnauthorized = handler;
}

/** The API lies beside the folder that the pages come from. */
export function addressOf(path: string): URL {
  return new URL(`../api/${path}`, new URL(".", document.baseURI));
}

export function socketAddress(): URL {
  const address = addressOf("ws");
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address;
}

export async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrfToken && method !== "GET") headers["X-Csrf-Token"] = csrfToken;
  const init: RequestInit = { method, headers, credentials: "same-origin" };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (signal) init.signal = signal;
  let response: Response;
  try {
    response = await fetch(addressOf(path), init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, { kind: "Unreachable", message: "The server cannot be reached." });
  }
  const answer = response.status === 204 ? null : await response.json().catch(() => null);
  if (response.ok) return answer as T;
  if (response.status === 401 && path !== "login") onUnauthorized();
  const fallback = { kind: "Http", message: `The server answered ${response.status} ${response.statusText}.` };
  throw new ApiError(response.status, (answer as { error?: ErrorBody } | null)?.error ?? fallback);
}

/** Runs a query and gives its whole result, of a sequence at most `ROWS_MAX` rows. */
export async function run<T = Json>(query: Query, options: QueryOptions = {}, signal?: AbortSignal): Promise<T> {
  let answer = await request<QueryAnswer>("POST", "query", { query: query.text, options }, signal);
  if (!answer.more || !Array.isArray(answer.result)) return answer.result as T;
  const rows = answer.result;
  while (answer.more && answer.cursor && rows.length < ROWS_MAX) {
    answer = await request<QueryAnswer>("GET", `cursors/${answer.cursor}`, undefined, signal);
    rows.push(...(answer.result as Json[]));
  }
  if (answer.more && answer.cursor) await request("DELETE", `cursors/${answer.cursor}`);
  return rows as T;
}

export interface WriteSummary {
  inserted: number;
  replaced: number;
  deleted: number;
  unchanged: number;
  errors: number;
  skipped: number;
  first_error?: string;
  generated_keys?: string[];
  changes?: { old_val: Document | null; new_val: Document | null }[];
}

/** Runs a write; what the summary counts as an error becomes one. */
export async function write(query: Query, options: QueryOptions = {}): Promise<WriteSummary> {
  const summary = await run<WriteSummary>(query, options);
  if (summary.errors > 0) {
    throw new ApiError(400, { kind: "ReqlOpFailedError", message: summary.first_error ?? "The write failed." });
  }
  return summary;
}

/** The server's metrics in Prometheus's text format; null for those who may not see them. */
export async function fetchMetrics(): Promise<string | null> {
  const response = await fetch(addressOf("../_metrics"), { credentials: "same-origin" }).catch(() => null);
  return response?.ok ? response.text() : null;
}

export const fetchTerms = (): Promise<Term[]> => request<Term[]>("GET", "terms");
export const fetchSession = (): Promise<SessionAnswer> => request<SessionAnswer>("GET", "session");
export const postLogin = (user: string, password: string): Promise<SessionAnswer> =>
  request<SessionAnswer>("POST", "login", { user, password });
export const postLogout = (): Promise<unknown> => request("POST", "logout", {});
