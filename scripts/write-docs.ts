// `npm run docs`: writes the parts of the documentation that are derived from the code.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toChart } from './documents/chart.ts'
import { toComposeFiles } from './documents/compose.ts'
import { toConfigurationPage } from './documents/configuration.ts'
import type { Documents } from './documents/documents.ts'
import { toLimitsPage } from './documents/limits/all-limits.ts'
import { toApiDocuments, toBoards, toOperationsPage } from './documents/pages.ts'
import { readOptions } from './read-options.ts'
import { ROOT } from './run-command.ts'

const { values } = readOptions({
  usage: 'npm run docs --',
  about:
    'Writes from the code: the API documents, the pages of settings and of limits, the settings of the chart and of compose, the table of metrics and the Grafana boards.',
  options: {
    check: { type: 'boolean', default: false, about: 'only says which of them are out of date' },
  },
})

const documents: Documents = {
  ...(await toApiDocuments()),
  ...(await toConfigurationPage()),
  ...(await toLimitsPage()),
  ...(await toOperationsPage()),
  ...(await toBoards()),
  ...(await toChart()),
  ...(await toComposeFiles()),
}
for (const [path, text] of Object.entries(documents)) {
  const file = join(ROOT, path)
  if (!values.check) {
    await writeFile(file, text)
  } else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    console.error(`${path} is out of date: run \`npm run docs\``)
    process.exitCode = 1
  }
}
