import { quantile } from './quantiles.ts'
import type { Durations } from './saved-run.ts'

export interface Distribution {
  title: string
  durations: Durations
  /** The time that is to be kept, with what is said beside it. */
  limit?: { ms: number; text: string }
}

const WIDTH = 560
const HEIGHT = 340
const PLOT = { left: 62, right: 536, top: 56, bottom: 272 }
const SHARES = [0.5, 0.9, 0.99]
const STYLE = `
  .ground { fill: #ffffff } .ink { fill: #1f2933 } .soft { fill: #52606d }
  .grid { stroke: #d9e2ec } .axis { stroke: #627d98 } .line { stroke: #2563a8; fill: none }
  .dot { fill: #2563a8 } .limit { stroke: #b42318 } .limit-text { fill: #b42318 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } .ink { fill: #e6edf3 } .soft { fill: #9aa7b4 }
    .grid { stroke: #263040 } .axis { stroke: #6b7a8c } .line { stroke: #6cb0ff }
    .dot { fill: #6cb0ff } .limit { stroke: #ff8b7e } .limit-text { fill: #ff8b7e }
  }`

/** Which share of all cases was over within which time, as an SVG for light and dark pages. */
export function drawDistribution({ title, durations, limit }: Distribution): string {
  const { sortedMs, count } = durations
  const longest = Math.max(sortedMs.at(-1) ?? 0, limit?.ms ?? 0, 1)
  const stepMs = toStep(longest)
  const endMs = Math.ceil(longest / stepMs) * stepMs
  const toX = (ms: number): number => round(PLOT.left + (ms / endMs) * (PLOT.right - PLOT.left))
  const toY = (share: number): number => round(PLOT.bottom - share * (PLOT.bottom - PLOT.top))
  const scale = { toX, toY }
  const label = `${title}: ${count} cases`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="14" role="img" aria-label="${escape(label)}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="ground" width="${WIDTH}" height="${HEIGHT}"/>`,
    `<text class="ink" x="12" y="26" font-size="17" font-weight="600">${escape(title)}</text>`,
    `<text class="soft" x="${WIDTH - 12}" y="26" text-anchor="end">${count} cases</text>`,
    ...drawAxes(scale, { stepMs, endMs }),
    ...(limit ? drawLimit(scale, limit) : []),
    drawLine(scale, sortedMs),
    ...drawMarks(scale, sortedMs),
    '</svg>\n',
  ].join('\n')
}

interface Scale {
  toX: (ms: number) => number
  toY: (share: number) => number
}

/** About five steps, each of which is easy to read. */
function toStep(longestMs: number): number {
  const rough = longestMs / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? rough
}

function drawAxes(
  { toX, toY }: Scale,
  { stepMs, endMs }: { stepMs: number; endMs: number },
): string[] {
  const across = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
    `<path class="grid" d="M${PLOT.left} ${toY(share)}H${PLOT.right}"/>`,
    `<text class="soft" x="${PLOT.left - 8}" y="${toY(share) + 5}" text-anchor="end">${share * 100} %</text>`,
  ])
  const steps = Array.from({ length: Math.round(endMs / stepMs) + 1 }, (_, index) => index * stepMs)
  const along = steps.map(
    (ms) =>
      `<text class="soft" x="${toX(ms)}" y="${PLOT.bottom + 20}" text-anchor="middle">${toNumber(ms, endMs)}</text>`,
  )
  const unit = inSeconds(endMs) ? 'seconds' : 'milliseconds'
  return [
    ...across,
    `<path class="axis" d="M${PLOT.left} ${PLOT.bottom}H${PLOT.right}"/>`,
    ...along,
    `<text class="soft" x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 44}" text-anchor="middle">${unit}</text>`,
    `<text class="soft" x="${PLOT.left}" y="${PLOT.top - 10}">share of cases that were over by then</text>`,
  ]
}

function drawLimit({ toX }: Scale, { ms, text }: NonNullable<Distribution['limit']>): string[] {
  const x = toX(ms)
  const isRight = x > (PLOT.left + PLOT.right) / 2
  return [
    `<path class="limit" d="M${x} ${PLOT.top}V${PLOT.bottom}" stroke-width="1.5" stroke-dasharray="5 4"/>`,
    `<text class="limit-text" x="${x + (isRight ? -6 : 6)}" y="${PLOT.bottom - 10}" text-anchor="${isRight ? 'end' : 'start'}">${escape(text)}</text>`,
  ]
}

function drawLine({ toX, toY }: Scale, sortedMs: readonly number[]): string {
  const steps = sortedMs.map((ms, index) => `H${toX(ms)}V${toY((index + 1) / sortedMs.length)}`)
  return `<path class="line" stroke-width="2.5" d="M${PLOT.left} ${PLOT.bottom}${steps.join('')}H${PLOT.right}"/>`
}

function drawMarks({ toX, toY }: Scale, sortedMs: readonly number[]): string[] {
  if (sortedMs.length === 0) return []
  return SHARES.map((share) => {
    return `<circle class="dot" cx="${toX(quantile(sortedMs, share))}" cy="${toY(share)}" r="4.5"/>`
  })
}

function inSeconds(endMs: number): boolean {
  return endMs >= 2000
}

function toNumber(ms: number, endMs: number): string {
  return String(round(inSeconds(endMs) ? ms / 1000 : ms))
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
