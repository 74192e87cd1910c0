import { fetchTerms } from "../api/client";
import type { Term } from "../api/types";

/** The terms of the language, asked once. */
class Terms {
  list = $state.raw<Term[]>([]);
  #asked = false;

  load(): void {
    if (this.#asked) return;
    this.#asked = true;
    fetchTerms().then(
      (list) => (this.list = list),
      () => (this.#asked = false),
    );
  }
}

export const terms = new Terms();
