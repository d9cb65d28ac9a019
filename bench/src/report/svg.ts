import type { Spread } from '../compare/ratios.ts'

interface Bar {
  label: string
  spread: Spread
  /** As it is written at the end of the bar. */
  text: string
  faint?: boolean
}

export interface BarChart {
  title: string
  bars: Bar[]
  /** A line that is to be kept to the left of. */
  mark?: { at: number; text: string }
}

const WIDTH = 760
const LABEL = 190
const PLOT = 380
const ROW = 30
const TOP = 46
const BOTTOM = 30

/** Medians as bars, with the range over the rounds as a line through their ends. */
export function drawBars({ title, bars, mark }: BarChart): string {
  const highest = Math.max(...bars.map(({ spread }) => finite(spread.max)), mark?.at ?? 0) || 1
  const toX = (value: number): number => LABEL + (finite(value) / highest) * PLOT
  const height = TOP + bars.length * ROW + BOTTOM
  const rows = bars.map((bar, index) => drawBar(bar, TOP + index * ROW, toX))
  const line = mark ? drawMark(mark.text, toX(mark.at), height) : ''
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="${escape(title)}">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="24" font-size="15" font-weight="600" fill="#1f2933">${escape(title)}</text>`,
    ...rows,
    line,
    '</svg>\n',
  ].join('\n')
}

function drawBar(
  { label, spread, text, faint }: Bar,
  y: number,
  toX: (value: number) => number,
): string {
  const middle = y + ROW / 2
  const [low, mid, high] = [toX(spread.min), toX(spread.median), toX(spread.max)].map(round)
  return [
    `<text x="${LABEL - 10}" y="${middle + 4}" text-anchor="end" fill="#1f2933">${escape(label)}</text>`,
    `<rect x="${LABEL}" y="${y + 6}" width="${(mid ?? LABEL) - LABEL}" height="${ROW - 12}" fill="${faint ? '#9fb3c8' : '#2b6cb0'}"/>`,
    `<path d="M${low} ${middle}H${high}M${low} ${middle - 4}V${middle + 4}M${high} ${middle - 4}V${middle + 4}" stroke="#102a43" stroke-width="1.5"/>`,
    `<text x="${(high ?? LABEL) + 8}" y="${middle + 4}" fill="#334e68">${escape(text)}</text>`,
  ].join('\n')
}

function drawMark(text: string, x: number, height: number): string {
  return [
    `<path d="M${round(x)} ${TOP - 4}V${height - BOTTOM + 4}" stroke="#c53030" stroke-dasharray="4 3"/>`,
    `<text x="${round(x)}" y="${height - 10}" text-anchor="middle" fill="#c53030">${escape(text)}</text>`,
  ].join('\n')
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
