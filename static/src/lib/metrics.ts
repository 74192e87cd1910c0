/** One line of the metrics: its labels and its value. */
export interface Sample {
  labels: Record<string, string>;
  value: number;
}

/** Metrics by their names. */
export type Metrics = Map<string, Sample[]>;

/** How many values of a histogram are at most so large; in rising order. */
export type Buckets = [bound: number, count: number][];

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Reads Prometheus's text format. */
export function parseMetrics(text: string): Metrics {
  const metrics: Metrics = new Map();
  for (const line of text.split("\n")) {
    const match = line.startsWith("#") ? null : LINE.exec(line);
    if (!match) continue;
    const [, name = "", labelText = "", value = ""] = match;
    const labels = Object.fromEntries([...labelText.matchAll(LABEL)].map(([, label = "", said = ""]) => [label, said]));
    const samples = metrics.get(name) ?? [];
    samples.push({ labels, value: Number(value.replace("Inf", "Infinity")) });
    metrics.set(name, samples);
  }
  return metrics;
}

/** The sum over all labels, or over those with some. */
export function total(metrics: Metrics, name: string, labels: Record<string, string> = {}): number {
  const fits = (sample: Sample): boolean => Object.entries(labels).every(([label, said]) => sample.labels[label] === said);
  return (metrics.get(name) ?? []).filter(fits).reduce((sum, { value }) => sum + value, 0);
}

/** A histogram, summed over its labels. */
export function histogram(metrics: Metrics, name: string): Buckets {
  const counts = new Map<number, number>();
  for (const { labels, value } of metrics.get(`${name}_bucket`) ?? []) {
    const bound = Number((labels["le"] ?? "").replace("+Inf", "Infinity"));
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  return [...counts].sort(([left], [right]) => left - right);
}

/** The value below which a part of what came between two looks lies; null when nothing came. */
export function quantile(before: Buckets, after: Buckets, part: number): number | null {
  const earlier = new Map(before);
  const counts = after.map(([bound, count]): [number, number] => [bound, count - (earlier.get(bound) ?? 0)]);
  const all = counts.at(-1)?.[1] ?? 0;
  if (all <= 0) return null;
  let low = 0;
  let below = 0;
  for (const [bound, count] of counts) {
    if (count >= all * part) {
      // Beyond the last bound, it is all that is known.
      if (!Number.isFinite(bound)) return low;
      return low + ((bound - low) * (all * part - below)) / Math.max(count - below, 1);
    }
    low = bound;
    below = count;
  }
  return low;
}
