import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { startModelServer, streamPieces, type ModelServer } from '../environment/model-server.ts'
import { openModel, readReply, toRequest, type ModelUnderTest } from '../support/model-client.ts'
import { encodeEvents, WIRES, type Protocol } from '../environment/model-wire.ts'

const MIB = 1024 * 1024
const PIECES = ['Héllo ', '世界 ', '🎉👩‍👩‍👧 ', 'a\r\nb\u2028c ']
const WHOLE = PIECES.join('')
const PROTOCOLS: Protocol[] = ['openai', 'anthropic', 'dify']

describe.each(PROTOCOLS)('the stream of %s', (protocol) => {
  const wire = WIRES[protocol]
  let server: ModelServer
  let model: ModelUnderTest

  beforeEach(async () => {
    server = await startModelServer()
    model = openModel({ type: protocol, endpoint: server.url })
  })
  afterEach(async () => {
    await model.close()
    await server.stop()
  })

  it.each(['\n', '\r', '\r\n'] as const)('is whole byte by byte, lines by %j', async (newline) => {
    for (const bom of [false, true]) {
      const bytes = encodeEvents(wire.events({ pieces: PIECES }), { newline, bom })
      server.answer(streamPieces([...bytes].map((byte) => Buffer.of(byte))))
      expect(await readReply(model.llm)).toMatchObject({ text: WHOLE, ended: true })
    }
  })

  it('is whole cut anywhere', async () => {
    const newlines = fc.constantFrom('\n', '\r', '\r\n')
    const cuts = fc.array(fc.nat(1500), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(newlines, fc.boolean(), cuts, async (newline, bom, at) => {
        const bytes = encodeEvents(wire.events({ pieces: PIECES }), { newline, bom })
        server.answer(streamPieces(cut(bytes, at)))
        expect(await readReply(model.llm)).toMatchObject({ text: WHOLE, ended: true })
      }),
      { numRuns: 100 },
    )
  })

  it('is handed on as one piece where it came in one', async () => {
    server.answer(streamPieces([encodeEvents(wire.events({ pieces: PIECES }))]))
    expect((await readReply(model.llm)).pieces).toEqual([WHOLE])
  })

  it('is handed on as few pieces where it came in many while it gathered', async () => {
    const pieces = Array.from({ length: 60 }, (_, index) => `${index} `)
    server.answer(async ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const event of wire.events({ pieces })) {
        response.write(encodeEvents([event]))
        await delay(5)
      }
      response.end()
    })
    await model.close()
    model = openModel({ type: protocol, endpoint: server.url }, { gatherMs: () => 100 })
    const beganAt = performance.now()
    const outcome = await readReply(model.llm)
    expect(outcome).toMatchObject({ text: pieces.join(''), ended: true })
    const gatherings = (performance.now() - beganAt) / 100
    expect(outcome.pieces.length).toBeLessThanOrEqual(gatherings + 2)
  })

  it('stays with the server while nobody reads on', async () => {
    const some = encodeEvents(wire.events({ pieces: PIECES }).slice(0, -wire.terminators))
    const endless = function* (): Generator<Buffer> {
      for (;;) yield some
    }
    server.answer(streamPieces(endless()))
    const sockets = watchSockets()
    try {
      for await (const chunk of model.llm.streamReply(toRequest(), new AbortController().signal)) {
        if (chunk.type !== 'text') continue
        // What the kernel holds is not ours, so what counts is what was taken from it.
        for (let before = -1; before < sockets.bytesRead() && before < 64 * MIB;) {
          before = sockets.bytesRead()
          await delay(300)
        }
        break
      }
    } finally {
      sockets.close()
    }
    expect(sockets.bytesRead()).toBeGreaterThan(some.length)
    expect(sockets.bytesRead()).toBeLessThan(MIB)
  })

  it('brings an event of a million characters whole', async () => {
    const text = 'é'.repeat(1_000_000)
    const bytes = encodeEvents(wire.events({ pieces: ['before ', text] }))
    server.answer(streamPieces(cut(bytes, everyPart(bytes.length))))
    const outcome = await readReply(model.llm)
    expect(outcome.error).toBeUndefined()
    expect(outcome.ended).toBe(true)
    expect(outcome.text === `before ${text}`).toBe(true)
  })

  it('ends visibly at an event over the cap, without holding it', async () => {
    const start = encodeEvents(wire.events({ pieces: ['before'] }).slice(0, -wire.terminators))
    let sentMiB = 0
    const endless = function* (): Generator<Buffer> {
      yield start
      yield Buffer.from('data: {"')
      for (; sentMiB < 200; sentMiB++) yield Buffer.alloc(MIB, 'x')
    }
    server.answer(streamPieces(endless()))
    const outcome = await readReply(model.llm)
    expect(outcome).toMatchObject({ text: 'before', error: { code: 'LLM_TRUNCATED' } })
    expect(sentMiB).toBeLessThan(12)
  })

  it('leaves no timer and no connection behind, over 300 replies', async () => {
    server.answer(streamPieces([encodeEvents(wire.events({ pieces: PIECES }))]))
    await readReply(model.llm)
    const before = countTimers()
    for (let batch = 0; batch < 10; batch++) {
      await Promise.all(Array.from({ length: 30 }, () => readReply(model.llm)))
    }
    expect(countTimers()).toBeLessThanOrEqual(before + 3)
    const connections = new Set(server.requests.map(({ clientPort }) => clientPort))
    expect(connections.size).toBeLessThan(150)
  })
})

/** All connections that this process opens until `close`. */
function watchSockets(): { bytesRead(): number; close(): void } {
  const sockets: Socket[] = []
  const onSocket = (message: unknown): void => {
    sockets.push((message as { socket: Socket }).socket)
  }
  subscribe('net.client.socket', onSocket)
  return {
    bytesRead: () => sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    close: () => unsubscribe('net.client.socket', onSocket),
  }
}

function countTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
}

function everyPart(length: number): number[] {
  return Array.from({ length: Math.floor(length / 65_536) }, (_, index) => index * 65_536)
}

function cut(bytes: Buffer, positions: number[]): Buffer[] {
  const at = [0, ...positions.toSorted((a, b) => a - b), bytes.length]
  return at
    .slice(1)
    .map((end, index) => bytes.subarray(at[index], end))
    .filter((part) => part.length > 0)
}
