/** The shapes of what the server's HTTP doors take and give. */

export type Json = null | boolean | number | string | Json[] | Document;

export interface Document {
  [name: string]: Json;
}

/** A place in the text of a query: bytes from 0, lines and characters from 1. */
export interface Position {
  offset: number;
  line: number;
  column: number;
}

export interface ErrorBody {
  kind: string;
  message: string;
  /** Where the text that was sent is wrong. */
  position?: Position;
  /** The part of `query` that is to blame, in bytes of UTF-8. */
  span?: { start: number; end: number };
  /** The query as text. */
  query?: string;
}

export interface QueryAnswer {
  kind: "atom" | "sequence" | "explain";
  result: Json;
  rows: number;
  more: boolean;
  cursor?: string;
  time_ms: number;
  profile?: Json[];
}

export interface SessionAnswer {
  user: string | null;
  login_required: boolean;
  csrf?: string | null;
  server: { name: string; id: string; version: string };
}

/** One term of the language, as `/api/terms` tells it. */
export interface Term {
  name: string;
  signature: string;
  options: string[];
  doc: string;
  /** What it is called on: `r`, `sequence`, `table`, ...; null for what is no method. */
  on: string | null;
}

export type QueryOptions = Record<string, Json>;

/** What a server sends for a query on the socket. */
export type SocketMessage =
  | {
      id: number;
      type: "rows";
      kind: "atom" | "sequence" | "feed" | "explain";
      rows: Json[];
      more: boolean;
      resume?: string;
      /** Whether a feed that was to go on has begun anew: changes may be missing. */
      restarted?: boolean;
      time_ms?: number;
      profile?: Json[];
    }
  | { id: number; type: "error"; error: ErrorBody }
  | { id: number; type: "done" }
  | { type: "pong" };
