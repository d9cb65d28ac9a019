import type { RefusedPayload } from './history.ts'

/** The message of the product's log line; a test holds it against the product's own. */
const MESSAGE = 'a payload was refused by its schema'

/** What a process says it refused in this line of its log; undefined for any other line. */
export function parseRefusedPayload(line: string): RefusedPayload | undefined {
  if (!line.includes(MESSAGE)) return undefined
  const { msg, source, ...fields } = parseFields(line)
  if (msg !== MESSAGE) return undefined
  const ids = Object.entries(fields).filter(([name]) => name.endsWith('Id'))
  const texts = ids.map(([name, id]) => [name, String(id)] as const)
  return { source: String(source), ids: Object.fromEntries(texts) }
}

/** None for the half of a line that a killed process leaves. */
function parseFields(line: string): Record<string, unknown> {
  try {
    // Lines of the product's own logger, or what it prints besides, which has no such message.
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return {}
  }
}
