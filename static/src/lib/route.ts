/** A place in the app, kept behind the `#` of the address. */
export interface Route {
  /** `tables`, `database name`, `table name`, ... */
  path: string[];
  parameters: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path = "", parameters = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const decoded = path.split("/").filter(Boolean).map(decode);
  return { path: decoded, parameters: new URLSearchParams(parameters) };
}

export function href(path: string[], parameters: Record<string, string> = {}): string {
  const query = new URLSearchParams(parameters).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
