import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

type Labels = Record<string, string>

interface HistogramShape {
  buckets: number[]
  labels?: string[]
}

/** The kinds of metric, bound to one registry, with their label values capped. */
export interface Instruments {
  counter: (name: string, help: string, ...labels: string[]) => CappedCounter
  gauge: (name: string, help: string, ...labels: string[]) => CappedGauge
  histogram: (name: string, help: string, shape: HistogramShape) => CappedHistogram
}

interface CappedCounter {
  inc(labels?: Labels, value?: number): void
}

/** Shows nothing until it is first moved: a worker has no connections, which is not 0 of them. */
interface CappedGauge {
  inc(labels: Labels, value: number): void
  set(labels: Labels, value: number): void
  /** Shows nothing again. */
  clear(): void
}

interface CappedHistogram {
  observe(labels: Labels, value: number): void
}

export function createInstruments(registry: Registry): Instruments {
  const registers = [registry]
  return {
    counter(name, help, ...labelNames) {
      const counter = new Counter({ name, help, labelNames, registers })
      const cap = createLabelCap()
      return { inc: (labels = {}, value = 1) => counter.inc(cap(labels), value) }
    },
    gauge(name, help, ...labelNames) {
      const gauge = new Gauge({ name, help, labelNames, registers })
      const cap = createLabelCap()
      const clear = () => {
        gauge.reset()
        // What a reset leaves of a gauge without labels is a 0.
        if (labelNames.length === 0) gauge.remove()
      }
      clear()
      return {
        inc: (labels, value) => gauge.inc(cap(labels), value),
        set: (labels, value) => gauge.set(cap(labels), value),
        clear,
      }
    },
    histogram(name, help, { buckets, labels: labelNames = [] }) {
      const histogram = new Histogram({ name, help, buckets, labelNames, registers })
      const cap = createLabelCap()
      return { observe: (labels, value) => histogram.observe(cap(labels), value) }
    },
  }
}

/** More than any closed set here has; a caller that passes on what a stranger sent ends at it. */
const MAX_LABEL_VALUES = 40

/** Lets the first values of each label through and calls every later one `other`. */
function createLabelCap(): (labels: Labels) => Labels {
  const seen = new Map<string, Set<string>>()
  return (labels) => {
    const capped: Labels = {}
    for (const [label, value] of Object.entries(labels)) {
      const values = seen.get(label) ?? new Set()
      seen.set(label, values)
      if (values.size < MAX_LABEL_VALUES) values.add(value)
      capped[label] = values.has(value) ? value : 'other'
    }
    return capped
  }
}
