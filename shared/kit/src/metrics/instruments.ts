import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

type Labels = Record<string, string>

/** One value per label, in the order of the labels. */
type ValuesOf<L extends readonly string[]> = { [K in keyof L]: string }

interface HistogramShape {
  buckets: number[]
  labels?: string[]
}

/** The kinds of metrics of one registry. The number of label values is limited. */
export interface Instruments {
  /** A counter that each call increases by one. */
  count: <L extends string[]>(
    name: string,
    help: string,
    ...labels: L
  ) => (...values: ValuesOf<L>) => void
  counter: (name: string, help: string, ...labels: string[]) => CappedCounter
  gauge: (name: string, help: string, ...labels: string[]) => CappedGauge
  histogram: (name: string, help: string, shape: HistogramShape) => CappedHistogram
}

interface CappedCounter {
  inc: (labels: Labels, value?: number) => void
}

/**
 * Shows nothing until it is first set: a worker has no connections metric, which is not the same as
 * 0.
 */
interface CappedGauge {
  inc(labels: Labels, value: number): void
  set(labels: Labels, value: number): void
  /** Removes the values again. */
  clear(): void
}

interface CappedHistogram {
  observe(labels: Labels, value: number): void
}

export function createInstruments(registry: Registry): Instruments {
  const registers = [registry]
  function counter(name: string, help: string, ...labelNames: string[]): CappedCounter {
    const metric = new Counter({ name, help, labelNames, registers })
    const cap = createLabelCap()
    return { inc: (labels, value = 1) => metric.inc(cap(labels), value) }
  }
  return {
    counter,
    count(name, help, ...labelNames) {
      const { inc } = counter(name, help, ...labelNames)
      return (...values) =>
        inc(Object.fromEntries(labelNames.map((label, i) => [label, values[i] ?? ''])))
    },
    gauge(name, help, ...labelNames) {
      const gauge = new Gauge({ name, help, labelNames, registers })
      const cap = createLabelCap()
      const clear = () => {
        gauge.reset()
        // A reset leaves a 0 in a gauge without labels.
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

/** More than any fixed set of values. It limits a caller that passes on foreign input. */
const MAX_LABEL_VALUES = 40

/** Keeps the first values of each label and calls every later one `other`. */
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
