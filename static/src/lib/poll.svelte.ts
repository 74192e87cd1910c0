import { isDenied, messageOf } from "../api/client";

/**
 * Something that is asked again and again while a component shows it. A hidden page does
 * not ask, and a slow answer is never asked for twice at once.
 */
export class Poll<T> {
  value = $state.raw<T | undefined>(undefined);
  failure = $state<string | null>(null);
  /** Whether the user may not ask this; then nobody asks until somebody calls `refresh`. */
  denied = $state(false);
  #ask: () => Promise<T>;
  #asking: Promise<void> | null = null;

  /** To be made while a component starts: it stops with it. */
  constructor(ask: () => Promise<T>, period_ms: number) {
    this.#ask = ask;
    $effect(() => {
      void this.refresh();
      const timer = setInterval(() => {
        if (!document.hidden && !this.denied) void this.refresh();
      }, period_ms);
      return () => clearInterval(timer);
    });
  }

  refresh(): Promise<void> {
    this.#asking ??= this.#once().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #once(): Promise<void> {
    try {
      this.value = await this.#ask();
      this.failure = null;
      this.denied = false;
    } catch (error) {
      this.failure = messageOf(error);
      this.denied = isDenied(error);
    }
  }
}
