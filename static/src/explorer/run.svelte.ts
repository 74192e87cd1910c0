import { LOST, socket, type RowsMessage, type Stream } from "../api/socket";
import type { ErrorBody, Json, QueryOptions } from "../api/types";

/** `waiting` is a feed whose connection was lost and that is being opened again. */
export type RunStatus = "idle" | "running" | "live" | "waiting" | "done" | "failed" | "aborted";

/** Rows of a query that the page keeps; for more there is the export of the server's tools. */
export const ROWS_MAX = 100_000;
/** The last messages of a feed that are kept. */
export const FEED_ROWS_MAX = 1_000;
/** How long after a loss a feed is opened again. */
const RETRY_MS = 1_000;

/** One query as it runs, and what has come of it. */
export class QueryRun {
  status = $state<RunStatus>("idle");
  kind = $state<RowsMessage["kind"]>("sequence");
  /** Of a feed the newest comes first. */
  rows = $state.raw<Json[]>([]);
  /** Messages that a feed has sent. */
  received = $state(0);
  more = $state(false);
  time_ms = $state<number | null>(null);
  profile = $state.raw<Json[] | null>(null);
  error = $state.raw<ErrorBody | null>(null);
  /** Messages that wait while a feed is paused. */
  held = $state.raw<Json[] | null>(null);
  /** Whether a feed lost its place with its connection, so that changes may be missing. */
  gap = $state(false);
  /** The text that was run. */
  text = $state("");
  #stream: Stream | null = null;
  #fetching = false;
  /** Where a feed goes on after a lost connection. */
  #resume: string | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;

  readonly active = $derived(this.status === "running" || this.status === "live" || this.status === "waiting");

  start(text: string, options: QueryOptions, onEnd: (run: QueryRun) => void): void {
    this.abort();
    this.status = "running";
    this.text = text;
    this.rows = [];
    this.received = 0;
    this.more = false;
    this.time_ms = null;
    this.profile = null;
    this.error = null;
    this.held = null;
    this.gap = false;
    this.#fetching = true;
    this.#resume = undefined;
    this.#open(text, options, onEnd);
  }

  #open(text: string, options: QueryOptions, onEnd: (run: QueryRun) => void): void {
    const handlers = {
      rows: (message: RowsMessage) => {
        const first = this.status === "running";
        this.#take(message);
        if (first) onEnd(this);
      },
      error: (error: ErrorBody) => {
        if (error.kind === LOST && this.#resume !== undefined) {
          this.status = "waiting";
          this.#retry = setTimeout(() => this.#open(text, options, onEnd), RETRY_MS);
          return;
        }
        this.error = error;
        const first = this.status === "running";
        this.status = "failed";
        this.#stream = null;
        if (first) onEnd(this);
      },
      done: () => {
        this.more = false;
        this.status = this.status === "failed" ? "failed" : "done";
        this.#stream = null;
      },
    };
    this.#stream = socket.open(text, options, handlers, this.#resume);
  }

  /** Asks for the next rows of a sequence. */
  fetchMore(): void {
    if (this.#fetching || !this.more || this.kind !== "sequence" || this.rows.length >= ROWS_MAX) return;
    this.#fetching = true;
    this.#stream?.more();
  }

  abort(): void {
    clearTimeout(this.#retry);
    this.#stream?.cancel();
    this.#stream = null;
    if (this.active) this.status = "aborted";
    this.more = false;
  }

  pause(): void {
    this.held = [];
  }

  resume(): void {
    const held = this.held ?? [];
    this.held = null;
    this.rows = [...held, ...this.rows].slice(0, FEED_ROWS_MAX);
  }

  #take(message: RowsMessage): void {
    this.#fetching = false;
    this.#resume = message.resume ?? this.#resume;
    this.gap ||= message.restarted === true;
    this.kind = message.kind;
    this.time_ms ??= message.time_ms ?? null;
    this.profile ??= message.profile ?? null;
    if (message.kind === "feed") {
      this.#takeChanges(message.rows);
      return;
    }
    this.status = "done";
    this.more = message.more;
    const single = message.kind === "atom" ? message.rows[0] : undefined;
    // An array is one value; its items are rows to look at.
    this.rows = Array.isArray(single) ? single : this.rows.length === 0 ? message.rows : [...this.rows, ...message.rows];
  }

  #takeChanges(rows: Json[]): void {
    this.status = "live";
    this.received += rows.length;
    const newest = rows.toReversed();
    if (this.held) this.held = [...newest, ...this.held].slice(0, FEED_ROWS_MAX);
    else this.rows = [...newest, ...this.rows].slice(0, FEED_ROWS_MAX);
    this.#stream?.more();
  }
}
