import { createMetrics } from '@chatbox/kit'
import { fillIn, layOut, MARKUP, type Documents } from './documents.ts'

const PAGE = 'docs/operations.md'
/** The runtime's own metrics are described where they come from. */
const OWN = 'chatbox_'

/** The page on operations, with the table of today's metrics between its two marks. */
export async function toOperationsPage(): Promise<Documents> {
  const text = await fillIn(PAGE, { metrics: `\n${toTable()}\n\n` }, MARKUP)
  return { [PAGE]: await layOut(text, 'markdown') }
}

function toTable(): string {
  const rows = createMetrics()
    .registry.getMetricsAsArray()
    .filter(({ name }) => name.startsWith(OWN))
    .map(({ name, type, help }) => `| \`${name}\` | ${String(type)} | ${help} |`)
    .sort()
  return ['| Name | Type | What it counts |', '|---|---|---|', ...rows].join('\n')
}
