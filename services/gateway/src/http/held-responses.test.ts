import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import express, { type RequestHandler } from 'express'
import { endUnread, holdAtMost } from './held-responses.ts'

const UNREAD_MS = 500
/** More than the buffers of both sides hold. */
const LONG = Buffer.alloc(32 * 1024 ** 2, 'x')
const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
const closers: (() => void)[] = []
let ended = 0

afterEach(() => {
  for (const close of closers.splice(0)) close()
  ended = 0
})

/** A client that reads only when it is told to, of a server that answers in this way. */
async function open(answer: RequestHandler): Promise<Socket> {
  const watchers = {
    metrics: {
      slowReaderClosed: () => {
        ended++
      },
    },
    logger: { info: () => undefined },
  }
  const server = createServer(express().use(endUnread(watchers, UNREAD_MS), answer))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  closers.push(
    () => socket.destroy(),
    () => server.close(),
  )
  socket.on('error', () => undefined)
  socket.pause()
  socket.write(REQUEST)
  return socket
}

const sendLong: RequestHandler = (_request, response) => void response.end(LONG)

/** Resolves when the server has ended it, however much is left to read. */
async function untilEnded(): Promise<void> {
  for (let waited = 0; ended === 0 && waited < 5000; waited += 10) await sleep(10)
  expect(ended).toBe(1)
}

describe('a response that nobody reads', () => {
  it.each<[string, RequestHandler]>([
    ['in one piece', sendLong],
    [
      'in pieces',
      (_request, response) => {
        for (let index = 0; index < 32; index++) response.write(LONG.subarray(0, 1024 ** 2))
        response.end()
      },
    ],
    [
      'that is only begun',
      (_request, response) => {
        response.write(LONG)
      },
    ],
  ])('is ended, %s', async (_what, answer) => {
    await open(answer)
    const startedAt = performance.now()
    await untilEnded()
    expect(performance.now() - startedAt).toBeGreaterThan(UNREAD_MS * 0.9)
    expect(ended).toBe(1)
  })

  it('is ended although the client goes on sending', async () => {
    const socket = await open(sendLong)
    const timer = setInterval(() => socket.write('\r\n'), UNREAD_MS / 10)
    closers.push(() => clearInterval(timer))
    await untilEnded()
  })

  it('is ended although the client goes on asking', async () => {
    let asked = 0
    const socket = await open((...exchange) => {
      asked++
      sendLong(...exchange)
    })
    const timer = setInterval(() => socket.write(REQUEST), UNREAD_MS / 10)
    closers.push(() => clearInterval(timer))
    await untilEnded()
    expect(asked).toBeLessThan(5)
  })
})

describe('a response that is slow', () => {
  it('is ended after its time, however slowly it is taken', async () => {
    let ends = 0
    const socket = await open((request, response, next) => {
      holdAtMost(UNREAD_MS, response, () => {
        ends++
      })
      sendLong(request, response, next)
    })
    socket.on('data', () => {
      socket.pause()
      setTimeout(() => socket.resume(), 10)
    })
    socket.resume()
    await once(socket, 'close')
    expect([ends, ended]).toEqual([1, 0])
  })

  it('is left alone while its client takes some of it now and then', async () => {
    const socket = await open(sendLong)
    let received = 0
    socket.on('data', (bytes: Buffer) => {
      received += bytes.length
      socket.pause()
    })
    while (received < LONG.length) {
      socket.resume()
      if (received % (2 * 1024 ** 2) < 64 * 1024) await sleep(UNREAD_MS / 10)
      else await once(socket, 'data')
      expect(ended).toBe(0)
    }
  })

  it('is left alone while it has nothing to send', async () => {
    const socket = await open(async (_request, response) => {
      response.write('begun')
      await sleep(UNREAD_MS * 3)
      response.end('late')
    })
    socket.resume()
    let text = ''
    for await (const bytes of socket) {
      text += String(bytes)
      if (text.includes('late')) break
    }
    expect(ended).toBe(0)
  })
})
