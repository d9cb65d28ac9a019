import type { Mark, Sample } from './timeline.ts'

export interface Plot {
  title: string
  samples: readonly Sample[]
  marks: readonly Mark[]
}

const [WIDTH, HEIGHT, LEFT, RIGHT] = [760, 470, 62, 744]
const CONNECTIONS = { top: 118, bottom: 272 }
const PODS = { top: 316, bottom: 416 }
/** What is drawn, with its colour on light and on dark pages, and its name in the legend. */
const SERIES = {
  people: ['#2563a8', '#6cb0ff', 'connected'],
  metric: ['#b7791f', '#e3b341', 'metric that the autoscaler reads'],
  wanted: ['#b42318', '#ff8b7e', 'pods wanted'],
  ready: ['#9cc3e6', '#27507a', 'ready'],
  leaving: ['#f2c48d', '#7a5426', 'being drained'],
} as const
type Series = keyof typeof SERIES
const NAMES = Object.keys(SERIES) as Series[]
const toRules = (shade: 0 | 1): string =>
  NAMES.map((name) => `.${name} { color: ${SERIES[name][shade]} }`).join(' ')
const STYLE = `
  ${toRules(0)} .ground { fill: #ffffff } .ink { fill: #1f2933 } .soft { fill: #52606d } .grid { stroke: #b8c4d0 }
  @media (prefers-color-scheme: dark) {
    ${toRules(1)} .ground { fill: #0d1117 } .ink { fill: #e6edf3 } .soft { fill: #9aa7b4 } .grid { stroke: #435060 }
  }`

interface Scale {
  toX: (atS: number) => number
  toY: (value: number) => number
}

/** Connections above, pods below, over the same time; an SVG for light and dark pages. */
export function drawTimeline({ title, samples, marks }: Plot): string {
  const endS = Math.max(...samples.map(({ atS }) => atS), 1)
  const most = toCeiling(Math.max(...samples.map(({ connected }) => connected), 1))
  const mostPods = Math.max(...samples.map(({ ready, leaving }) => ready + leaving), 1) + 1
  const toX = (atS: number): number => round(LEFT + (atS / endS) * (RIGHT - LEFT))
  const people = { toX, toY: toPanel(CONNECTIONS, most) }
  const pods = { toX, toY: toPanel(PODS, mostPods) }
  const toPoints = (read: (sample: Sample) => number | undefined) =>
    samples.map((sample) => ({ atS: sample.atS, value: read(sample) }))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="${escape(title)}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="ground" width="${WIDTH}" height="${HEIGHT}"/>`,
    `<text class="ink" x="12" y="26" font-size="16" font-weight="600">${escape(title)}</text>`,
    ...marks.flatMap((mark, index) => drawMark(mark, toX(mark.atS), 52 + (index % 4) * 16)),
    ...[0, most / 2, most].map((value) => drawLevel(value, people.toY(value))),
    ...range(mostPods).map((value) => drawLevel(value, pods.toY(value))),
    ...drawBars(pods, samples),
    drawLine(
      'people',
      people,
      toPoints(({ connected }) => connected),
    ),
    drawLine(
      'metric',
      people,
      toPoints(({ metric }) => metric),
    ),
    drawLine(
      'wanted',
      pods,
      toPoints(({ wanted }) => wanted),
    ),
    ...drawSeconds(toX, endS),
    `<text class="soft" x="${LEFT}" y="${HEIGHT - 14}">${NAMES.map(toLegend).join('')}</text>`,
    '</svg>\n',
  ].join('\n')
}

function toPanel({ top, bottom }: typeof PODS, most: number): Scale['toY'] {
  return (value) => round(bottom - (value / most) * (bottom - top))
}

function drawLevel(value: number, y: number): string {
  return `<path class="grid" d="M${LEFT} ${y}H${RIGHT}"/><text class="soft" x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${value}</text>`
}

/** What happened, in one of some rows, so that two moments close together stay legible. */
function drawMark({ text }: Mark, x: number, y: number): string[] {
  const isRight = x > (LEFT + RIGHT) / 2
  return [
    `<path class="grid" d="M${x} ${y + 4}V${PODS.bottom}" stroke-dasharray="3 3"/>`,
    `<text class="soft" x="${x}" y="${y}" text-anchor="${isRight ? 'end' : 'start'}">${escape(text)}</text>`,
  ]
}

/** Pods that are ready, and on top of them those that are going. */
function drawBars({ toX, toY }: Scale, samples: readonly Sample[]): string[] {
  return samples.slice(1).flatMap(({ atS, ready, leaving }, index) => {
    const from = toX(samples[index]?.atS ?? atS)
    const bar = (series: Series, low: number, high: number): string =>
      `<rect class="${series}" fill="currentColor" shape-rendering="crispEdges" x="${from}" y="${toY(high)}" width="${round(toX(atS) - from + 0.3)}" height="${round(toY(low) - toY(high))}"/>`
    return [
      ...(ready > 0 ? [bar('ready', 0, ready)] : []),
      ...(leaving > 0 ? [bar('leaving', ready, ready + leaving)] : []),
    ]
  })
}

interface Point {
  atS: number
  value: number | undefined
}

/** Broken where there is no value. */
function drawLine(series: Series, { toX, toY }: Scale, points: readonly Point[]): string {
  const path = points.flatMap(({ atS, value }, index) => {
    if (value === undefined) return []
    const move = points[index - 1]?.value === undefined ? 'M' : 'L'
    return [`${move}${toX(atS)} ${toY(value)}`]
  })
  return `<path class="${series}" fill="none" stroke="currentColor" stroke-width="2" d="${path.join('')}"/>`
}

function drawSeconds(toX: Scale['toX'], endS: number): string[] {
  const stepS = [5, 10, 20, 30, 60, 120].find((step) => endS / step <= 10) ?? 300
  return range(Math.floor(endS / stepS)).map((index) => {
    const atS = index * stepS
    return `<text class="soft" x="${toX(atS)}" y="${PODS.bottom + 18}" text-anchor="middle">${atS} s</text>`
  })
}

function toLegend(series: Series): string {
  return `<tspan class="${series}" fill="currentColor" dx="12">■</tspan> ${SERIES[series][2]} `
}

/** The next number that is easy to read and to halve. */
function toCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 3, 4, 6, 8, 10].map((factor) => factor * power).find((one) => one >= value) ?? value
}

function range(last: number): number[] {
  return Array.from({ length: last + 1 }, (_, index) => index)
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
