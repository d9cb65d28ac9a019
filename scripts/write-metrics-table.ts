// Writes the table of metrics into docs/operations.md, from the metrics themselves: part of
// `npm run docs`. With `--check` it only says whether the page is out of date.
import { createMetrics } from '@chatbox/kit'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'

const PAGE = fileURLToPath(new URL('../docs/operations.md', import.meta.url))
const BEGIN = '<!-- metrics: written by `npm run docs` -->'
const END = '<!-- end of metrics -->'
/** The runtime's own metrics are described where they come from. */
const OWN = 'chatbox_'

function toTable(): string {
  const rows = createMetrics()
    .registry.getMetricsAsArray()
    .filter(({ name }) => name.startsWith(OWN))
    .map(({ name, type, help }) => `| \`${name}\` | ${String(type)} | ${help} |`)
    .sort()
  return ['| Name | Type | What it counts |', '|---|---|---|', ...rows].join('\n')
}

/** `page` with the table of today between its two marks. */
async function withTable(page: string): Promise<string> {
  const [head, rest] = page.split(BEGIN)
  const tail = rest?.split(END)[1]
  if (head === undefined || tail === undefined) throw new Error(`${PAGE} has lost its marks`)
  const config = await resolveConfig(import.meta.filename)
  const written = `${head}${BEGIN}\n\n${toTable()}\n\n${END}${tail}`
  return format(written, { ...config, parser: 'markdown' })
}

async function main(check: boolean): Promise<void> {
  const page = await readFile(PAGE, 'utf8')
  const written = await withTable(page)
  if (!check) {
    await writeFile(PAGE, written)
  } else if (page !== written) {
    console.error('docs/operations.md is out of date: run `npm run docs`')
    process.exitCode = 1
  }
}

await main(process.argv.includes('--check'))
