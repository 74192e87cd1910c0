import { Query, reql, tableQuery } from "../api/reql";

export const RIGHTS = ["read", "write", "config", "connect"] as const;
export type Right = (typeof RIGHTS)[number];
export type Rights = Partial<Record<Right, boolean>>;

/** A row of the `permissions` table. */
export interface PermissionRow {
  user: string;
  database?: string;
  table?: string;
  permissions: Rights;
}

/** What permissions are about: everything, a database, or a table. */
export interface Scope {
  database?: string;
  table?: string;
}

export interface User {
  name: string;
  hasPassword: boolean;
  grants: PermissionRow[];
}

/** Allowed, denied, or as the wider scope says. */
export type Said = "allow" | "deny" | "inherit";

export function said(rights: Rights, right: Right): Said {
  const value = rights[right];
  return value === undefined ? "inherit" : value ? "allow" : "deny";
}

/** `connect` is about web addresses and is given everywhere or nowhere. */
export function applies(right: Right, scope: Scope): boolean {
  return right !== "connect" || scope.database === undefined;
}

export function grantQuery(user: string, scope: Scope, right: Right, wanted: Said): Query {
  const rights = { [right]: wanted === "inherit" ? null : wanted === "allow" };
  return reql`${target(scope)}.grant(${user}, ${rights})`;
}

/** Takes away everything that a scope says. */
export function clearQuery(user: string, scope: Scope): Query {
  const rights = Object.fromEntries(RIGHTS.filter((right) => applies(right, scope)).map((right) => [right, null]));
  return reql`${target(scope)}.grant(${user}, ${rights})`;
}

export function scopeName({ database, table }: Scope): string {
  if (database === undefined) return "everything";
  return table === undefined ? database : `${database}.${table}`;
}

/** Users with their permissions, the widest scope first. */
export function collectUsers(users: { id: string; password: boolean }[], rows: PermissionRow[]): User[] {
  const depth = (row: PermissionRow): number => (row.table !== undefined ? 2 : row.database !== undefined ? 1 : 0);
  return users.map(({ id, password }) => ({
    name: id,
    hasPassword: password,
    grants: rows.filter((row) => row.user === id).sort((left, right) => depth(left) - depth(right) || (scopeName(left) < scopeName(right) ? -1 : 1)),
  }));
}

function target({ database, table }: Scope): Query {
  if (database === undefined) return new Query("r");
  return table === undefined ? reql`r.db(${database})` : tableQuery(database, table);
}
