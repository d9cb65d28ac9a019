import { createMetrics } from '@chatbox/kit'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../run-command.ts'
import { layOut, type Documents } from './documents.ts'

const PAGE = 'docs/operations.md'
const BEGIN = '<!-- metrics: written by `npm run docs` -->'
const END = '<!-- end of metrics -->'
/** The runtime's own metrics are described where they come from. */
const OWN = 'chatbox_'

/** The page on operations, with the table of today's metrics between its two marks. */
export async function toOperationsPage(): Promise<Documents> {
  const [head, rest] = (await readFile(join(ROOT, PAGE), 'utf8')).split(BEGIN)
  const tail = rest?.split(END)[1]
  if (head === undefined || tail === undefined) throw new Error(`${PAGE} has lost its marks`)
  return { [PAGE]: await layOut(`${head}${BEGIN}\n\n${toTable()}\n\n${END}${tail}`, 'markdown') }
}

function toTable(): string {
  const rows = createMetrics()
    .registry.getMetricsAsArray()
    .filter(({ name }) => name.startsWith(OWN))
    .map(({ name, type, help }) => `| \`${name}\` | ${String(type)} | ${help} |`)
    .sort()
  return ['| Name | Type | What it counts |', '|---|---|---|', ...rows].join('\n')
}
