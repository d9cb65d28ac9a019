/** Returns a table. Cells are not escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const toRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [toRow(head), toRow(head.map(() => '---')), ...rows.map(toRow)].join('\n')
}

export function formatMs(ms: number): string {
  if (ms >= 10_000) return `${Math.round(ms / 100) / 10} s`
  return ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${Math.round(ms)} ms`
}

export function formatCount(count: number): string {
  return count.toLocaleString('en')
}

/** Escapes any text of a run for a table cell. */
export function toCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll(/\s+/gu, ' ')
}
