import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'
import { waitUntil } from '../wait-until.ts'

/** Long enough for a byte to have crossed a good link many times over. */
const LONG_MS = 150

describe('a link that is made to fail', () => {
  let server: Server
  let proxy: TcpProxy
  let client: Socket
  let atServer = ''
  let atClient = ''
  let peer: Socket

  beforeEach(async () => {
    atServer = atClient = ''
    server = createServer((socket) => {
      peer = socket
      socket.on('error', () => undefined)
      socket.on('data', (data) => (atServer += data.toString()))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    proxy = await startTcpProxy({ port: address.port })
    client = connect(proxy.port, '127.0.0.1')
    client.on('error', () => undefined)
    client.on('data', (data) => (atClient += data.toString()))
    client.write('up0 ')
    await waitUntil(() => atServer === 'up0 ')
    peer.write('down0 ')
    await waitUntil(() => atClient === 'down0 ')
  })

  afterEach(async () => {
    client.destroy()
    await proxy.close()
    server.close()
  })

  function sayBothWays(): void {
    client.write('up1 ')
    peer.write('down1 ')
  }

  it('delivers after a stall what was said during it', async () => {
    await proxy.cut('stall')
    sayBothWays()
    await sleep(LONG_MS)
    expect([atServer, atClient]).toEqual(['up0 ', 'down0 '])
    await proxy.restore()
    await waitUntil(() => atServer === 'up0 up1 ' && atClient === 'down0 down1 ')
  })

  it('is cut one way only', async () => {
    await proxy.cut('stall', 'up')
    sayBothWays()
    await waitUntil(() => atClient === 'down0 down1 ')
    await sleep(LONG_MS)
    expect(atServer).toBe('up0 ')
    await proxy.restore()
    await proxy.cut('stall', 'down')
    sayBothWays()
    await waitUntil(() => atServer === 'up0 up1 up1 ')
    await sleep(LONG_MS)
    expect(atClient).toBe('down0 down1 ')
  })

  it('drops its connections at the end of a blackhole', async () => {
    await proxy.cut('blackhole')
    sayBothWays()
    await sleep(LONG_MS)
    expect([atServer, atClient]).toEqual(['up0 ', 'down0 '])
    const closed = new Promise((resolve) => client.once('close', resolve))
    await proxy.restore()
    await closed
    expect([atServer, atClient]).toEqual(['up0 ', 'down0 '])
  })

  it('keeps the order of what is late by chance', async () => {
    proxy.setLatency(20, 20)
    const sent = Array.from({ length: 50 }, (_, index) => `n${index} `)
    for (const text of sent) {
      client.write(text)
      await sleep(1)
    }
    await waitUntil(() => atServer === `up0 ${sent.join('')}`)
  })
})
