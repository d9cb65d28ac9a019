/** The names of the labels that each metric has in `/metrics`; none for one without series. */
export type ShownMetrics = ReadonlyMap<string, ReadonlySet<string>>

const TYPE = /^# TYPE (\S+) (\w+)$/u
const SERIES = /^([a-z_]\w*)(?:\{(.*)\})? \S+$/u
const PARTS_OF_HISTOGRAM = ['_bucket', '_sum', '_count']

/** Everything that any of these answers of `/metrics` shows. */
export function parseExpositions(texts: readonly string[]): ShownMetrics {
  const shown = new Map<string, Set<string>>()
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    const [, typed, type] = TYPE.exec(line) ?? []
    if (typed !== undefined) {
      const suffixes = type === 'histogram' ? PARTS_OF_HISTOGRAM : ['']
      for (const suffix of suffixes) addLabels(shown, `${typed}${suffix}`, [])
    }
    const [, name, labels = ''] = SERIES.exec(line) ?? []
    if (name !== undefined) {
      addLabels(
        shown,
        name,
        [...labels.matchAll(/(\w+)="/gu)].map(([, label = '']) => label),
      )
    }
  }
  return shown
}

/** Adds the labels of what no process has had reason to show yet, as the product declares them. */
export function withDeclared(
  shown: ShownMetrics,
  declared: readonly { name: string; labelNames: readonly string[] }[],
): ShownMetrics {
  const all = new Map(shown)
  for (const { name, labelNames } of declared) {
    if (shown.get(name)?.size === 0) all.set(name, new Set(labelNames))
  }
  return all
}

function addLabels(shown: Map<string, Set<string>>, name: string, labels: string[]): void {
  const known = shown.get(name) ?? new Set()
  shown.set(name, known)
  for (const label of labels) known.add(label)
}

/** Given to every series by Prometheus, not by the process. */
const TARGET_LABELS = ['job', 'instance', 'namespace', 'pod']

const SELECTOR = /\b((?:chatbox|nodejs|process)_\w+)(?:\{([^}]*)\})?/gu
const MATCHER = /(\w+)\s*(?:=~|!~|!=|=)\s*"/gu
const GROUPING = /\b(?:by|on)\s*\(([^)]*)\)/gu
const LEGEND = /\{\{(\w+)\}\}/gu

/** What a query asks for that no process shows, each in one line. */
export function findUnknown(expr: string, legend: string, shown: ShownMetrics): string[] {
  const selectors = [...expr.matchAll(SELECTOR)].map(([, name = '', matchers = '']) => {
    return { name, matched: listAll(MATCHER, matchers) }
  })
  // Recorded numbers are judged by their own rules.
  if (selectors.length === 0) return []
  const known = [...TARGET_LABELS, ...selectors.flatMap(({ name }) => [...(shown.get(name) ?? [])])]
  const grouped = listAll(GROUPING, expr).flatMap((list) => list.split(/,\s*/u))
  const named = [...grouped, ...listAll(LEGEND, legend)]
  return [
    ...selectors.flatMap((selector) => findUnknownMatchers(selector, shown)),
    ...named
      .filter((label) => !known.includes(label))
      .map((label) => `no label ${label} to group or name by`),
  ]
}

function findUnknownMatchers(
  { name, matched }: { name: string; matched: string[] },
  shown: ShownMetrics,
): string[] {
  const labels = shown.get(name)
  if (!labels) return [`no metric ${name}`]
  return matched
    .filter((label) => !labels.has(label) && !TARGET_LABELS.includes(label))
    .map((label) => `no label ${label} on ${name}`)
}

/** What the first group of a pattern holds, at every place where it matches. */
function listAll(pattern: RegExp, text: string): string[] {
  return [...text.matchAll(pattern)].map(([, found = '']) => found)
}
