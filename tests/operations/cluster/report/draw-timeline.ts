import type { Mark, Sample } from './timeline.ts'

export interface Plot {
  title: string
  samples: readonly Sample[]
  marks: readonly Mark[]
}

const WIDTH = 760
const HEIGHT = 470
const LEFT = 62
const RIGHT = 744
const CONNECTIONS = { top: 118, bottom: 272 }
const PODS = { top: 316, bottom: 416 }
const STYLE = `
  .ground { fill: #ffffff } .ink { fill: #1f2933 } .soft { fill: #52606d }
  .grid { stroke: #d9e2ec } .axis { stroke: #627d98 } .mark { stroke: #9fb3c8 }
  .people { stroke: #2563a8; fill: none } .metric { stroke: #b7791f; fill: none }
  .wanted { stroke: #b42318; fill: none } .ready { fill: #9cc3e6 } .leaving { fill: #f2c48d }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } .ink { fill: #e6edf3 } .soft { fill: #9aa7b4 }
    .grid { stroke: #263040 } .axis { stroke: #6b7a8c } .mark { stroke: #43506080 }
    .people { stroke: #6cb0ff } .metric { stroke: #e3b341 }
    .wanted { stroke: #ff8b7e } .ready { fill: #27507a } .leaving { fill: #7a5426 }
  }`

interface Panel {
  top: number
  bottom: number
}

interface Scale {
  toX: (atS: number) => number
  toY: (value: number) => number
}

/** Connections above, pods below, over the same time; an SVG for light and dark pages. */
export function drawTimeline({ title, samples, marks }: Plot): string {
  const endS = Math.max(...samples.map(({ atS }) => atS), 1)
  const toX = (atS: number): number => round(LEFT + (atS / endS) * (RIGHT - LEFT))
  const most = toCeiling(Math.max(...samples.map(({ connected }) => connected), 1))
  const mostPods = Math.max(...samples.map(({ ready, leaving }) => ready + leaving), 1) + 1
  const people = { toX, toY: toPanel(CONNECTIONS, most) }
  const pods = { toX, toY: toPanel(PODS, mostPods) }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="${escape(title)}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="ground" width="${WIDTH}" height="${HEIGHT}"/>`,
    `<text class="ink" x="12" y="26" font-size="16" font-weight="600">${escape(title)}</text>`,
    ...drawMarks(marks, toX),
    ...drawGrid(people, [0, most / 2, most]),
    ...drawGrid(pods, range(mostPods)),
    ...drawBars(pods, samples),
    drawLine(
      'people',
      people,
      samples.map(({ atS, connected }) => ({ atS, value: connected })),
    ),
    drawLine(
      'metric',
      people,
      samples.map(({ atS, metric }) => ({ atS, value: metric })),
    ),
    drawSteps(pods, samples),
    ...drawSeconds(toX, endS),
    ...drawLegend(),
    '</svg>\n',
  ].join('\n')
}

function toPanel({ top, bottom }: Panel, most: number): (value: number) => number {
  return (value) => round(bottom - (value / most) * (bottom - top))
}

function drawGrid({ toY }: Scale, values: readonly number[]): string[] {
  return values.flatMap((value) => [
    `<path class="grid" d="M${LEFT} ${toY(value)}H${RIGHT}"/>`,
    `<text class="soft" x="${LEFT - 8}" y="${toY(value) + 4}" text-anchor="end">${value}</text>`,
  ])
}

/** What happened, on lines of its own above the plot, so that two moments close together stay legible. */
function drawMarks(marks: readonly Mark[], toX: Scale['toX']): string[] {
  return marks.flatMap(({ atS, text }, index) => {
    const x = toX(atS)
    const y = 52 + (index % 4) * 16
    const isRight = x > (LEFT + RIGHT) / 2
    return [
      `<path class="mark" d="M${x} ${y + 4}V${PODS.bottom}" stroke-dasharray="3 3"/>`,
      `<text class="soft" x="${x}" y="${y}" text-anchor="${isRight ? 'end' : 'start'}">${escape(text)}</text>`,
    ]
  })
}

/** Pods that are ready, and on top of them those that are going. */
function drawBars({ toX, toY }: Scale, samples: readonly Sample[]): string[] {
  return samples.slice(1).flatMap(({ atS, ready, leaving }, index) => {
    const from = toX(samples[index]?.atS ?? atS)
    const width = round(toX(atS) - from + 0.3)
    const bar = (kind: string, low: number, high: number): string[] =>
      high === low
        ? []
        : [
            `<rect class="${kind}" shape-rendering="crispEdges" x="${from}" y="${toY(high)}" width="${width}" height="${round(toY(low) - toY(high))}"/>`,
          ]
    return [...bar('ready', 0, ready), ...bar('leaving', ready, ready + leaving)]
  })
}

interface Point {
  atS: number
  value: number | undefined
}

/** Broken where there is no value. */
function drawLine(kind: string, { toX, toY }: Scale, points: readonly Point[]): string {
  const path = points.flatMap(({ atS, value }, index) => {
    if (value === undefined) return []
    const move = points[index - 1]?.value === undefined ? 'M' : 'L'
    return [`${move}${toX(atS)} ${toY(value)}`]
  })
  return `<path class="${kind}" stroke-width="2" d="${path.join('')}"/>`
}

function drawSteps({ toX, toY }: Scale, samples: readonly Sample[]): string {
  const path = samples.map(({ atS, wanted }, index) => {
    return index === 0 ? `M${toX(atS)} ${toY(wanted)}` : `H${toX(atS)}V${toY(wanted)}`
  })
  return `<path class="wanted" stroke-width="2" d="${path.join('')}"/>`
}

function drawSeconds(toX: Scale['toX'], endS: number): string[] {
  const stepS = [5, 10, 20, 30, 60, 120].find((step) => endS / step <= 10) ?? 300
  const steps = range(Math.floor(endS / stepS)).map((index) => index * stepS)
  return [
    `<path class="axis" d="M${LEFT} ${PODS.bottom}H${RIGHT}"/>`,
    ...steps.map(
      (atS) =>
        `<text class="soft" x="${toX(atS)}" y="${PODS.bottom + 18}" text-anchor="middle">${atS} s</text>`,
    ),
  ]
}

function drawLegend(): string[] {
  const y = HEIGHT - 14
  const entries = [
    { kind: 'people', text: 'connected' },
    { kind: 'metric', text: 'metric that the autoscaler reads' },
    { kind: 'wanted', text: 'pods wanted' },
    { kind: 'ready', text: 'ready' },
    { kind: 'leaving', text: 'being drained' },
  ]
  const widths = [0, 112, 366, 486, 560]
  return entries.flatMap(({ kind, text }, index) => {
    const x = LEFT + (widths[index] ?? 0)
    const isArea = kind === 'ready' || kind === 'leaving'
    return [
      isArea
        ? `<rect class="${kind}" x="${x}" y="${y - 10}" width="18" height="10"/>`
        : `<path class="${kind}" stroke-width="2" d="M${x} ${y - 5}h18"/>`,
      `<text class="soft" x="${x + 24}" y="${y}">${text}</text>`,
    ]
  })
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
