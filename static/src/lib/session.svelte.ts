import { fetchSession, messageOf, postLogin, postLogout, setCsrfToken, whenUnauthorized } from "../api/client";
import { socket } from "../api/socket";
import type { SessionAnswer } from "../api/types";

/** Who uses the pages. */
class Session {
  answer = $state.raw<SessionAnswer | null>(null);
  /** Why the server could not be asked. */
  failure = $state<string | null>(null);
  readonly known = $derived(this.answer !== null);
  readonly open = $derived(this.answer?.user != null);
  readonly user = $derived(this.answer?.user ?? "");
  /** Whether there is something to log out of. */
  readonly closable = $derived(this.answer?.csrf != null);
  readonly server = $derived(this.answer?.server ?? { name: "", id: "", version: "" });

  constructor() {
    whenUnauthorized(() => void this.load());
  }

  async load(): Promise<void> {
    try {
      this.#take(await fetchSession());
      this.failure = null;
    } catch (error) {
      this.failure = messageOf(error);
    }
  }

  async login(user: string, password: string): Promise<void> {
    this.#take(await postLogin(user, password));
  }

  async logout(): Promise<void> {
    await postLogout();
    socket.close();
    await this.load();
  }

  #take(answer: SessionAnswer): void {
    setCsrfToken(answer.csrf ?? null);
    this.answer = answer;
  }
}

export const session = new Session();
