import { modelToken, type HistoryEvent } from '../history.ts'

/** One request to the model server. */
export interface ModelRequest {
  id: number
  at: number
  /** The model server's end of it, which one worker alone uses. */
  process: string
  /** The content of the question. */
  value: string
  tokens: number
  end: { at: number; phase: 'ok' | 'fail'; sent: number } | undefined
}

/** By the content of the question, in order. */
export function indexModel(history: readonly HistoryEvent[]): Map<string, ModelRequest[]> {
  const byId = new Map<number, ModelRequest>()
  const byValue = new Map<string, ModelRequest[]>()
  for (const event of history) {
    if (event.op !== 'model') continue
    if (event.phase !== 'invoke') {
      const request = byId.get(event.id)
      if (request) request.end = event
      continue
    }
    const { id, at, process, value, tokens } = event
    const request: ModelRequest = { id, at, process, value, tokens, end: undefined }
    byId.set(id, request)
    byValue.set(value, [...(byValue.get(value) ?? []), request])
  }
  return byValue
}

/** What was streamed for a request; all that there was to stream while its end is not known. */
export function textSent({ id, tokens, end }: ModelRequest): string {
  return textOf(id, end?.sent ?? tokens)
}

export function wholeText({ id, tokens }: ModelRequest): string {
  return textOf(id, tokens)
}

/** The request that a text began with; undefined for a text of none of them. */
export function findRequest(
  text: string,
  requests: readonly ModelRequest[],
): ModelRequest | undefined {
  return requests.find(({ id }) => text.startsWith(`${id}.`))
}

function textOf(request: number, tokens: number): string {
  return Array.from({ length: tokens }, (_, index) => modelToken(request, index)).join('')
}
