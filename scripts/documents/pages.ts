import { asyncApiDocument, openApiDocument } from '@chatbox/contract'
import { createMetrics } from '@chatbox/kit'
import type { Board } from './dashboards/board.ts'
import { gateways } from './dashboards/gateways.ts'
import { overview } from './dashboards/overview.ts'
import { toGrafana } from './dashboards/to-grafana.ts'
import { workers } from './dashboards/workers.ts'
import { fillIn, layOut, MARKUP, type Documents } from './documents.ts'

const PATH_PREFIX = '/chatbox'

/** Writes the contract of HTTP and the sockets for other tools. */
export async function toApiDocuments(): Promise<Documents> {
  const openApi = openApiDocument({ pathPrefix: PATH_PREFIX })
  const asyncApi = asyncApiDocument({ pathPrefix: PATH_PREFIX })
  return {
    'docs/openapi.json': await layOut(JSON.stringify(openApi), 'json'),
    'docs/asyncapi.json': await layOut(JSON.stringify(asyncApi), 'json'),
  }
}

const BOARDS: Readonly<Record<string, Board>> = { overview, gateways, workers }

/** Writes the Grafana boards that the chart ships. */
export async function toBoards(): Promise<Documents> {
  const written = Object.entries(BOARDS).map(async ([name, board]) => [
    `helm/chatbox/dashboards/${name}.json`,
    await layOut(JSON.stringify(toGrafana(board)), 'json'),
  ])
  return Object.fromEntries(await Promise.all(written)) as Documents
}

const PAGE = 'docs/operations.md'
/** The runtime's own metrics have their own documentation. */
const OWN = 'chatbox_'

/** Writes the page on operations, with the table of metrics between its two marks. */
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
