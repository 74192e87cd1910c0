import { socketAddress } from "./client";
import type { ErrorBody, QueryOptions, SocketMessage } from "./types";

export type RowsMessage = Extract<SocketMessage, { type: "rows" }>;

export interface StreamHandlers {
  rows(message: RowsMessage): void;
  error(error: ErrorBody): void;
  done(): void;
}

/** A query that runs on the socket. */
export interface Stream {
  /** Asks for the next batch. */
  more(): void;
  /** Ends it on the server; no handler is called after this. */
  cancel(): void;
}

/** The kind of the error that ends streams when the connection is lost. */
export const LOST = "Unreachable";
const UNREACHABLE: ErrorBody = { kind: LOST, message: "The connection to the server was lost." };
const PING_PERIOD_MS = 25_000;

/** One socket for all streams of the page: opened by the first, opened again after a loss. */
class Socket {
  #socket: WebSocket | null = null;
  #waiting: string[] = [];
  #streams = new Map<number, StreamHandlers>();
  #nextId = 1;
  #ping: ReturnType<typeof setInterval> | undefined;

  /**
   * Runs a query. With the token of a feed's last message, the feed goes on after it, or
   * begins anew and says so when the server has forgotten it.
   */
  open(query: string, options: QueryOptions, handlers: StreamHandlers, resume?: string): Stream {
    const id = this.#nextId++;
    this.#streams.set(id, handlers);
    this.#send({ id, type: "query", query, options, ...(resume ? { resume, restart: true } : {}) });
    return {
      more: () => this.#send({ id, type: "more" }),
      cancel: () => {
        if (this.#streams.delete(id)) this.#send({ id, type: "cancel" });
      },
    };
  }

  /** Closes the socket, after a logout for example; streams end with an error. */
  close(): void {
    this.#socket?.close();
  }

  #send(message: object): void {
    const text = JSON.stringify(message);
    if (!this.#socket) this.#connect();
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
    else this.#waiting.push(text);
  }

  #connect(): void {
    const socket = new WebSocket(socketAddress());
    this.#socket = socket;
    socket.onopen = () => {
      for (const text of this.#waiting.splice(0)) socket.send(text);
      this.#ping = setInterval(() => socket.send('{"type":"ping"}'), PING_PERIOD_MS);
    };
    socket.onmessage = (event) => this.#receive(JSON.parse(String(event.data)) as SocketMessage);
    socket.onclose = () => this.#lost();
  }

  #receive(message: SocketMessage): void {
    if (message.type === "pong") return;
    const handlers = this.#streams.get(message.id);
    if (!handlers) return;
    if (message.type === "rows") {
      handlers.rows(message);
      return;
    }
    this.#streams.delete(message.id);
    if (message.type === "error") handlers.error(message.error);
    else handlers.done();
  }

  #lost(): void {
    clearInterval(this.#ping);
    this.#socket = null;
    this.#waiting = [];
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const handlers of streams) handlers.error(UNREACHABLE);
  }
}

export const socket = new Socket();
