// Writes the Grafana boards of the chart into helm/chatbox/dashboards: part of `npm run docs`. With
// `--check` it only says whether they are out of date.
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import type { Board } from './dashboards/board.ts'
import { gateways } from './dashboards/gateways.ts'
import { overview } from './dashboards/overview.ts'
import { toGrafana } from './dashboards/to-grafana.ts'
import { workers } from './dashboards/workers.ts'

/** Every board, by the name of its file. */
export const BOARDS: Readonly<Record<string, Board>> = { overview, gateways, workers }

async function main(check: boolean): Promise<void> {
  const config = await resolveConfig(import.meta.filename)
  for (const [name, board] of Object.entries(BOARDS)) {
    const path = fileURLToPath(new URL(`../helm/chatbox/dashboards/${name}.json`, import.meta.url))
    const json = JSON.stringify(toGrafana(board))
    const text = await format(json, { ...config, parser: 'json' })
    if (!check) {
      await writeFile(path, text)
    } else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
      console.error(`helm/chatbox/dashboards/${name}.json is out of date: run \`npm run docs\``)
      process.exitCode = 1
    }
  }
}

if (import.meta.filename === process.argv[1]) await main(process.argv.includes('--check'))
