import type { Protocol, WireEvent } from './model-wire.ts'

/** An event of a known kind whose fields are not what they should be. */
export function wrongTypes(protocol: Protocol): string {
  const data = {
    openai: { choices: [{ delta: { content: 7 } }] },
    anthropic: { type: 'content_block_delta', delta: 'x' },
    dify: { event: 'message', answer: 7 },
  }
  return `data: ${JSON.stringify(data[protocol])}\n\n`
}

/** An event of a kind that is not known yet. */
export function unknownEvent(protocol: Protocol): WireEvent {
  const data = protocol === 'dify' ? { event: 'novelty' } : { type: 'novelty' }
  return { event: 'novelty', data: JSON.stringify(data) }
}

/** What keeps a connection alive and says nothing. */
export function keepAlive(protocol: Protocol): string {
  if (protocol === 'anthropic') return 'event: ping\ndata: {"type":"ping"}\n\n'
  return protocol === 'dify' ? 'event: ping\n\n' : ': keep-alive\n\n'
}
