/** Values over time, the last of them: columns for a plot. */
export class Series {
  #times: number[] = [];
  #values: (number | null)[][];

  /** `lines` values at each of at most `points_max` times; a longer silence than `gap_s` is a gap in the lines. */
  constructor(
    lines: number,
    readonly points_max: number,
    readonly gap_s: number,
  ) {
    this.#values = Array.from({ length: lines }, () => []);
  }

  add(time_s: number, values: readonly number[]): void {
    const last_s = this.#times.at(-1) ?? time_s;
    if (time_s - last_s > this.gap_s) this.#push(last_s + this.gap_s, []);
    this.#push(time_s, values);
  }

  #push(time_s: number, values: readonly number[]): void {
    this.#times.push(time_s);
    this.#values.forEach((line, at) => line.push(values[at] ?? null));
    if (this.#times.length <= this.points_max) return;
    this.#times.shift();
    for (const line of this.#values) line.shift();
  }

  /** Times and lines, in new arrays. */
  columns(): [number[], ...(number | null)[][]] {
    return [[...this.#times], ...this.#values.map((line) => [...line])];
  }
}
