import type { Board } from './dashboards/board.ts'
import { gateways } from './dashboards/gateways.ts'
import { overview } from './dashboards/overview.ts'
import { toGrafana } from './dashboards/to-grafana.ts'
import { workers } from './dashboards/workers.ts'
import { layOut, type Documents } from './documents.ts'

const BOARDS: Readonly<Record<string, Board>> = { overview, gateways, workers }

/** The Grafana boards that the chart ships. */
export async function toBoards(): Promise<Documents> {
  const written = Object.entries(BOARDS).map(async ([name, board]) => [
    `helm/chatbox/dashboards/${name}.json`,
    await layOut(JSON.stringify(toGrafana(board)), 'json'),
  ])
  return Object.fromEntries(await Promise.all(written)) as Documents
}
