import { recall, remember } from "./storage";

export type ThemeChoice = "system" | "light" | "dark";

const NEXT: Record<ThemeChoice, ThemeChoice> = { system: "light", light: "dark", dark: "system" };

/** Light or dark: the system's wish, unless somebody chose. */
class Theme {
  choice = $state<ThemeChoice>(recall<ThemeChoice>("theme", "system"));
  #system = $state(false);
  readonly dark = $derived(this.choice === "system" ? this.#system : this.choice === "dark");

  constructor() {
    const query = matchMedia("(prefers-color-scheme: dark)");
    this.#system = query.matches;
    query.addEventListener("change", (event) => {
      this.#system = event.matches;
      this.#apply();
    });
    this.#apply();
  }

  /** The next choice in turn. */
  turn(): void {
    this.choose(NEXT[this.choice]);
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    remember("theme", this.choice);
    this.#apply();
  }

  #apply(): void {
    document.documentElement.dataset["theme"] = this.dark ? "dark" : "light";
  }
}

export const theme = new Theme();
