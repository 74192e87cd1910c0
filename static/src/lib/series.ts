/** Values over time, the last of them: columns for a plot. */
export class Series {
  #times: number[] = [];
  #values: number[][];

  /** `lines` values at each of at most `points_max` times. */
  constructor(
    lines: number,
    readonly points_max: number,
  ) {
    this.#values = Array.from({ length: lines }, () => []);
  }

  add(time_s: number, values: readonly number[]): void {
    this.#times.push(time_s);
    this.#values.forEach((line, at) => line.push(values[at] ?? 0));
    if (this.#times.length <= this.points_max) return;
    this.#times.shift();
    for (const line of this.#values) line.shift();
  }

  /** Times and lines, in new arrays. */
  columns(): number[][] {
    return [[...this.#times], ...this.#values.map((line) => [...line])];
  }
}
