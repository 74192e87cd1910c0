/** Which rows of a long list are in view. */
export interface RowWindow {
  first: number;
  /** One past the last. */
  end: number;
  /** Where the first row is drawn, in pixels from the top of the content. */
  top_px: number;
  /** Height of the content, in pixels. */
  height_px: number;
}

/** Browsers do not draw boxes of any height. */
export const CONTENT_HEIGHT_MAX_PX = 8_000_000;
/** Rows drawn above and below what is in view. */
const MARGIN_ROWS = 8;

/**
 * The rows in view. Where all of them would be higher than a browser can draw, the
 * scrollbar stands for the rows in proportion.
 */
export function rowWindow(count: number, row_px: number, scroll_px: number, view_px: number): RowWindow {
  const full_px = count * row_px;
  const height_px = Math.min(full_px, CONTENT_HEIGHT_MAX_PX);
  const room_px = Math.max(height_px - view_px, 1);
  const scale = full_px > height_px ? (full_px - view_px) / room_px : 1;
  const virtual_px = Math.min(Math.max(scroll_px, 0), room_px) * scale;
  const visible = Math.floor(virtual_px / row_px);
  const first = Math.max(visible - MARGIN_ROWS, 0);
  const end = Math.min(visible + Math.ceil(view_px / row_px) + 1 + MARGIN_ROWS, count);
  return { first, end, top_px: first * row_px - virtual_px + scroll_px, height_px };
}

/** Where to scroll so that a row is in view; null when it is. */
export function scrollToRow(row: number, count: number, row_px: number, scroll_px: number, view_px: number): number | null {
  const full_px = count * row_px;
  const height_px = Math.min(full_px, CONTENT_HEIGHT_MAX_PX);
  const scale = full_px > height_px ? (full_px - view_px) / Math.max(height_px - view_px, 1) : 1;
  const virtual_px = scroll_px * scale;
  if (row * row_px < virtual_px) return (row * row_px) / scale;
  if ((row + 1) * row_px > virtual_px + view_px) return ((row + 1) * row_px - view_px) / scale;
  return null;
}
