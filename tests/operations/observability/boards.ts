import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What these tests read of a board as it is shipped. */
export interface ShippedBoard {
  file: string
  uid: string
  title: string
  schemaVersion: number
  links: { title: string; url?: string }[]
  templating: { list: { name: string }[] }
  panels: ShippedPanel[]
}

export interface ShippedPanel {
  id: number
  type: string
  title: string
  description?: string
  gridPos: { x: number; y: number; w: number; h: number }
  datasource?: { type: string; uid: string }
  targets?: { refId: string; expr: string; legendFormat: string }[]
  fieldConfig?: { defaults: { unit?: string } }
}

const FOLDER = fileURLToPath(new URL('../../../helm/chatbox/dashboards/', import.meta.url))

export function readBoards(): ShippedBoard[] {
  return readdirSync(FOLDER).map((file) => ({
    file,
    ...(JSON.parse(readFileSync(`${FOLDER}${file}`, 'utf8')) as Omit<ShippedBoard, 'file'>),
  }))
}

export interface BoardQuery {
  /** Names the panel in a failure. */
  where: string
  /** With Grafana's variables filled in. */
  expr: string
  legend: string
}

export function listQueries(): BoardQuery[] {
  return readBoards().flatMap((board) =>
    board.panels.flatMap((panel) =>
      (panel.targets ?? []).map(({ refId, expr, legendFormat }) => ({
        where: `${board.file}, ${panel.title}, ${refId}`,
        expr: fillIn(expr),
        legend: legendFormat,
      })),
    ),
  )
}

/** As Grafana does for a look at everything. */
function fillIn(expr: string): string {
  return expr
    .replaceAll('$namespace', '.*')
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$__range', '5m')
}
