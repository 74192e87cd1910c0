import { href, parseRoute, type Route } from "./route";

class Router {
  route = $state.raw<Route>(parseRoute(location.hash));
  readonly page = $derived(this.route.path[0] ?? "dashboard");

  constructor() {
    addEventListener("hashchange", () => {
      this.route = parseRoute(location.hash);
    });
  }

  go(path: string[], parameters: Record<string, string> = {}): void {
    location.hash = href(path, parameters);
  }
}

export const router = new Router();
