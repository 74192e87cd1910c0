import { messageOf } from "../api/client";

export interface Toast {
  id: number;
  kind: "good" | "bad";
  text: string;
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 7_000;
const SHOWN_MAX = 4;

/** Short messages in a corner. */
class Toasts {
  list = $state.raw<Toast[]>([]);
  #nextId = 1;

  /** Gives the number by which the message can be taken away. */
  say(text: string, action?: Toast["action"]): number {
    return this.#add({ id: this.#nextId++, kind: "good", text, ...(action ? { action } : {}) });
  }

  fail(error: unknown): void {
    this.#add({ id: this.#nextId++, kind: "bad", text: messageOf(error) });
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(toast: Toast): number {
    this.list = [...this.list, toast].slice(-SHOWN_MAX);
    setTimeout(() => this.dismiss(toast.id), SHOWN_MS);
    return toast.id;
  }
}

export const toasts = new Toasts();
