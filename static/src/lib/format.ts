const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const count = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function formatCount(value: number): string {
  return count.format(value);
}

/** Three digits at most, with a letter for thousands: `12.3k`. */
export function formatShort(value: number): string {
  if (value < 1000) return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value).toString();
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]] as const) {
    if (value >= size * 0.9995) return `${(value / size).toPrecision(3)}${unit}`;
  }
  return Math.round(value).toString();
}

export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  const scaled = bytes / 1024 ** power;
  return `${power === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${UNITS[power]}`;
}

export function formatMilliseconds(time_ms: number): string {
  if (time_ms < 10) return `${time_ms.toFixed(2)} ms`;
  if (time_ms < 1000) return `${Math.round(time_ms)} ms`;
  return formatSeconds(time_ms / 1000);
}

export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor((seconds % 86_400) / 3600), "h"],
    [Math.floor((seconds % 3600) / 60), "min"],
  ];
  return parts
    .filter(([value]) => value > 0)
    .slice(0, 2)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ");
}

/** A time of day, or with the date when it was not today. */
export function formatMoment(moment: Date, now = new Date()): string {
  return moment.toDateString() === now.toDateString() ? moment.toLocaleTimeString("en-GB") : formatDate(moment);
}

/** A date and the time of day. */
export function formatDate(moment: Date): string {
  return `${moment.toLocaleDateString("en-CA")} ${moment.toLocaleTimeString("en-GB")}`;
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}
