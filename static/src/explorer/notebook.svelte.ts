import { recall, remember } from "../lib/storage";
import { QueryRun } from "./run.svelte";

export interface HistoryEntry {
  text: string;
  at_ms: number;
  time_ms: number | null;
  /** Rows, or null when it failed. */
  rows: number | null;
  /** Whether it is a feed, which has no number of rows. */
  live?: boolean;
}

export interface SavedQuery {
  name: string;
  text: string;
}

/** Queries that are remembered. */
export const HISTORY_MAX = 50;
const TABS_MAX = 20;
const FIRST_TEXT = 'r.db("rethinkdb").table("server_status")';

/** A query that is worked on. */
export class Tab {
  text = $state("");
  readonly run = new QueryRun();
  readonly title = $derived(titleOf(this.text));

  constructor(
    readonly id: number,
    text: string,
  ) {
    this.text = text;
  }
}

/** Tabs, history and saved queries, as this browser remembers them. */
class Notebook {
  tabs = $state.raw<Tab[]>([]);
  active = $state.raw<Tab>(new Tab(0, FIRST_TEXT));
  history = $state.raw<HistoryEntry[]>(recall<HistoryEntry[]>("history", []));
  saved = $state.raw<SavedQuery[]>(recall<SavedQuery[]>("saved", []));
  database = $state(recall<string>("database", "test"));
  #nextId = 1;

  constructor() {
    const texts = recall<string[]>("tabs", [FIRST_TEXT]);
    this.tabs = (texts.length > 0 ? texts : [FIRST_TEXT]).map((text) => new Tab(this.#nextId++, text));
    this.active = this.tabs[Math.min(recall("tab", 0), this.tabs.length - 1)] ?? this.active;
  }

  open(text = ""): void {
    if (this.tabs.length >= TABS_MAX) this.close(this.tabs[0] as Tab);
    const tab = new Tab(this.#nextId++, text);
    this.tabs = [...this.tabs, tab];
    this.active = tab;
    this.keep();
  }

  /** Shows a query: in the tab that has it already, in an empty one, or in a new one. */
  show(text: string): void {
    const tab = this.tabs.find((other) => other.text === text) ?? this.tabs.find((other) => other.text.trim() === "");
    if (!tab) {
      this.open(text);
      return;
    }
    tab.text = text;
    this.active = tab;
    this.keep();
  }

  close(tab: Tab): void {
    const index = this.tabs.indexOf(tab);
    tab.run.abort();
    this.tabs = this.tabs.filter((other) => other !== tab);
    if (this.tabs.length === 0) this.tabs = [new Tab(this.#nextId++, "")];
    if (this.active === tab) this.active = this.tabs[Math.max(index - 1, 0)] as Tab;
    this.keep();
  }

  /** Remembers the tabs. */
  keep(): void {
    remember("tabs", this.tabs.map(({ text }) => text));
    remember("tab", this.tabs.indexOf(this.active));
    remember("database", this.database);
  }

  note(entry: HistoryEntry): void {
    const others = this.history.filter(({ text }) => text !== entry.text);
    this.history = [entry, ...others].slice(0, HISTORY_MAX);
    remember("history", this.history);
  }

  clearHistory(): void {
    this.history = [];
    remember("history", []);
  }

  save(name: string, text: string): void {
    const others = this.saved.filter((query) => query.name !== name);
    this.saved = [...others, { name, text }].sort((left, right) => left.name.localeCompare(right.name));
    remember("saved", this.saved);
  }

  forget(name: string): void {
    this.saved = this.saved.filter((query) => query.name !== name);
    remember("saved", this.saved);
  }
}

/** What a tab is called: its comment, or what it asks, without the ceremony. */
export function titleOf(text: string): string {
  const line = text.split("\n").find((part) => part.trim() !== "")?.trim() ?? "";
  const comment = /^\/\/\s*(.+)/.exec(line)?.[1];
  const title = comment ?? line.replace(/^r\./, "").replaceAll(/(?:db|table)\(["'`]([^"'`]*)["'`]\)/g, "$1");
  return title.length > 32 ? `${title.slice(0, 31)}…` : title || "Untitled";
}

export const notebook = new Notebook();
