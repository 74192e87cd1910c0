import { ApiError, messageOf, run } from "../api/client";
import { Query, reql, tableQuery } from "../api/reql";
import { socket, type Stream } from "../api/socket";
import type { Document, Json } from "../api/types";
import type { TableName } from "./edits";

export interface Order {
  index: string;
  descending: boolean;
}

/** Rows that are fetched together. */
const PAGE_ROWS = 100;
/** Pages that are kept; the ones out of view longest go first. */
const PAGES_MAX = 200;
/** Rows that a filter may bring into memory. */
export const FILTERED_ROWS_MAX = 20_000;

/** The rows of a table in some order: any part of them, fetched when it comes into view. */
export class TableRows {
  count = $state(0);
  failure = $state<string | null>(null);
  /** Whether a filter still has rows to find. */
  searching = $state(false);
  filter = $state("");
  order = $state.raw<Order>({ index: "", descending: false });
  /** Rises whenever rows have come. */
  version = $state(0);
  #pages = new Map<number, Document[]>();
  #asked = new Set<number>();
  /** Answers to earlier orders and filters are not wanted any more. */
  #generation = 0;
  #found: Document[] = [];
  #stream: Stream | null = null;
  #more = false;
  #view = { first: 0, end: 0 };

  constructor(
    readonly place: TableName,
    readonly primaryKey: string,
  ) {
    this.order = { index: primaryKey, descending: false };
  }

  row(index: number): Document | undefined {
    void this.version;
    if (this.filter) return this.#found[index];
    return this.#pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS];
  }

  /** Some rows that are there, to find the columns. */
  sample(): Document[] {
    void this.version;
    return this.filter ? this.#found.slice(0, PAGE_ROWS) : ([...this.#pages.values()][0] ?? []);
  }

  setOrder(index: string): void {
    const again = this.order.index === index;
    this.order = { index, descending: again && !this.order.descending };
    void this.reload();
  }

  /** Shows only rows for which a predicate holds: an object or a function in ReQL. */
  setFilter(text: string): void {
    this.filter = text.trim();
    void this.reload();
  }

  /** What is in view has to be there. */
  look(first: number, end: number): void {
    this.#view = { first, end };
    if (this.filter) {
      if (end >= this.#found.length - 20) this.#findMore();
      return;
    }
    for (let page = Math.floor(first / PAGE_ROWS); page * PAGE_ROWS < end; page++) void this.#fetch(page);
  }

  async reload(): Promise<void> {
    this.#generation += 1;
    const generation = this.#generation;
    this.#stream?.cancel();
    this.#stream = null;
    this.#asked.clear();
    this.failure = null;
    if (this.filter) {
      this.#find();
      return;
    }
    this.searching = false;
    try {
      const count = await run<number>(reql`${this.#ordered()}.count()`);
      if (generation !== this.#generation) return;
      this.#pages.clear();
      this.count = count;
      this.version += 1;
      this.look(this.#view.first, Math.min(Math.max(this.#view.end, 1), count));
    } catch (error) {
      if (generation === this.#generation) this.#fail(error);
    }
  }

  close(): void {
    this.#generation += 1;
    this.#stream?.cancel();
  }

  #ordered(): Query {
    const { index, descending } = this.order;
    const by = descending ? reql`r.desc(${index})` : reql`${index}`;
    return reql`${tableQuery(this.place.database, this.place.table)}.orderBy({index: ${by}})`;
  }

  async #fetch(page: number): Promise<void> {
    if (this.#pages.has(page) || this.#asked.has(page)) return;
    this.#asked.add(page);
    const generation = this.#generation;
    try {
      const rows = await run<Document[]>(reql`${this.#ordered()}.skip(${page * PAGE_ROWS}).limit(${PAGE_ROWS}).coerceTo("array")`);
      if (generation !== this.#generation) return;
      this.#pages.set(page, rows);
      for (const old of this.#pages.keys()) {
        if (this.#pages.size <= PAGES_MAX) break;
        this.#pages.delete(old);
      }
      this.version += 1;
    } catch (error) {
      if (generation === this.#generation) this.#fail(error);
    } finally {
      if (generation === this.#generation) this.#asked.delete(page);
    }
  }

  /** Rows that a filter lets through come as a stream: how many there are is known at its end. */
  #find(): void {
    this.#found = [];
    this.count = 0;
    this.searching = true;
    this.#more = false;
    this.version += 1;
    const query = reql`${this.#ordered()}.filter(${new Query(this.filter)})`;
    this.#stream = socket.open(query.text, {}, {
      rows: (message) => {
        const rows = (message.kind === "atom" ? message.rows.flat() : message.rows) as Json[];
        this.#found.push(...(rows as Document[]));
        this.#more = message.more && this.#found.length < FILTERED_ROWS_MAX;
        this.searching = this.#more;
        this.count = this.#found.length;
        this.version += 1;
        if (this.#found.length < this.#view.end) this.#findMore();
      },
      error: (error) => this.#fail(new ApiError(400, error)),
      done: () => (this.searching = false),
    });
  }

  #findMore(): void {
    if (!this.#more) return;
    this.#more = false;
    this.#stream?.more();
  }

  #fail(error: unknown): void {
    this.failure = messageOf(error);
    this.searching = false;
  }
}
