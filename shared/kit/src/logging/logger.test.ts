import { describe, expect, it } from '@jest/globals'
import { createLogger, nameSession, withRequestId } from './logger.ts'

function record(options: { plain?: boolean; secrets?: string[] } = {}) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const logger = createLogger('gateway', 'info', { ...options, destination })
  return { logger, lines, parsed: () => lines.map((line): unknown => JSON.parse(line)) }
}

describe('createLogger', () => {
  it('writes a line of JSON with the service and the level by name', () => {
    const { logger, parsed } = record()
    logger.info({ port: 1 }, 'ready')
    logger.debug('not shown')
    expect(parsed()).toEqual([
      { level: 'info', time: expect.any(String), service: 'gateway', port: 1, msg: 'ready' },
    ])
  })

  it('adds the request and the session, across awaits and to no other request', async () => {
    const { logger, parsed } = record()
    await Promise.all(
      ['a', 'b'].map((id) =>
        withRequestId(id, async () => {
          await Promise.resolve()
          nameSession(`session-${id}`)
          await Promise.resolve()
          logger.info('done')
        }),
      ),
    )
    nameSession('of nobody')
    logger.info('outside')
    expect(parsed()).toMatchObject([
      { requestId: 'a', sessionId: 'session-a' },
      { requestId: 'b', sessionId: 'session-b' },
      expect.not.objectContaining({ requestId: expect.anything() }),
    ])
  })

  it('keeps what a stranger sent inside one line', () => {
    const { logger, lines } = record()
    logger.info({ origin: 'x\n{"level":"fatal"}' }, 'refused\r\nready')
    expect(lines).toHaveLength(1)
    expect(lines[0]?.trimEnd()).not.toMatch(/[\r\n]/)
  })

  it('hides fields that are secret by name and secrets by value', () => {
    const { logger, lines } = record({ secrets: ['s3cr"et-value'] })
    logger.info({
      token: 'marker-1',
      auth: { token: 'marker-2' },
      headers: { authorization: 'marker-3' },
    })
    logger.info({ detail: 'GET /?key=s3cr"et-value' }, 'called with s3cr"et-value')
    expect(lines.join('')).not.toMatch(/marker|s3cr/)
  })

  it('logs an error without what a driver hung on it', () => {
    const { logger, lines, parsed } = record()
    const cause = Object.assign(new Error('connection lost'), { code: 'ECONNRESET' })
    const error = Object.assign(new Error('command failed', { cause }), {
      command: { args: ['marker'] },
      config: { headers: { authorization: 'marker' } },
    })
    logger.error({ err: error }, 'failed')
    logger.error({ err: new AggregateError([cause]) }, 'failed')
    logger.error({ err: 'marker' }, 'failed')
    expect(lines.join('')).not.toContain('marker')
    expect(parsed()).toMatchObject([
      { err: { message: 'command failed', cause: { code: 'ECONNRESET' } } },
      { err: { errors: [{ message: 'connection lost' }] } },
      { err: { message: 'thrown: string' } },
    ])
  })

  it('is short for a person, and still one line each', () => {
    const { logger, lines } = record({ plain: true })
    logger.info({ port: 8080 }, 'ready')
    logger.warn({ err: new Error('gone\naway'), name: 'a\nb' }, 'store\nfailed')
    expect(lines.map((line) => line.slice(9))).toEqual([
      'ready port=8080\n',
      'WARN store\\nfailed (gone\\naway) name="a\\nb"\n',
    ])
    logger.fatal({ err: new Error('broken\nready') }, 'ending')
    expect(lines[2]).toMatch(
      /FATAL ending \(broken\\nready\)\n {4}Error: broken\n {4}ready\n {8}at /,
    )
  })
})
