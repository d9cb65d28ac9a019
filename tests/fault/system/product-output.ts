import type { RefusedPayload } from '../history.ts'

const TIMEOUT_MS = 1500
const LINE = /^(chatbox_\w+(?:\{[^}]*\})?) ([\d.e+]+)$/u
/** Gauges and histogram buckets mean nothing when they are summed over processes. */
const SKIPPED = /^chatbox_(?:open|websocket|queue|draining|build|replies_running)|_bucket|_sum/u
/** The model's name is the same in every line. */
const MODEL_LABEL = /model="[^"]*",?/u

/** Returns the product's own counters of one process; undefined if it does not answer. */
export async function scrapeMetrics(port: number): Promise<Record<string, number> | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return parseMetrics(await answer.text())
  } catch {
    return undefined
  }
}

function parseMetrics(text: string): Record<string, number> {
  const counters: Record<string, number> = {}
  for (const line of text.split('\n')) {
    const [, name, value] = LINE.exec(line) ?? []
    if (name === undefined || SKIPPED.test(name)) continue
    const key = name.replace(MODEL_LABEL, '').replace('{}', '')
    counters[key] = (counters[key] ?? 0) + Number(value)
  }
  return counters
}

/** Returns one sum per name. */
export function sumMetrics(all: readonly Record<string, number>[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const counters of all) {
    for (const [name, value] of Object.entries(counters)) sums[name] = (sums[name] ?? 0) + value
  }
  return Object.fromEntries(Object.entries(sums).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The message of the product's log line. A test compares it with the product's own. */
const MESSAGE = 'a payload was refused by its schema'

/** Returns what a process refused according to this log line; undefined for any other line. */
export function parseRefusedPayload(line: string): RefusedPayload | undefined {
  if (!line.includes(MESSAGE)) return undefined
  const { msg, source, ...fields } = parseFields(line)
  if (msg !== MESSAGE) return undefined
  const ids = Object.entries(fields).filter(([name]) => name.endsWith('Id'))
  const texts = ids.map(([name, id]) => [name, String(id)] as const)
  return { source: String(source), ids: Object.fromEntries(texts) }
}

/** Returns nothing for half a line of a killed process. */
function parseFields(line: string): Record<string, unknown> {
  try {
    // Lines of the product's own logger, or other output without this message.
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return {}
  }
}
