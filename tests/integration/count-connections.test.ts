import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, expect, it } from '@jest/globals'
import { countConnections } from '../../bench/src/measure/watch-closes.ts'

const server = createServer()
const clients: Socket[] = []

afterEach(() => {
  for (const client of clients) client.destroy()
  server.close()
})

it('counts the connections that a server holds, and none of its own to others', async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const open = async (): Promise<Socket> => {
    const arrived = once(server, 'connection')
    clients.push(connect(port, '127.0.0.1'))
    const [accepted] = (await arrived) as [Socket]
    return accepted
  }
  const first = await open()
  await open()
  await open()
  expect(await countConnections(port)).toBe(3)
  expect(await countConnections(clients[0]?.localPort ?? 0)).toBe(1)

  const closed = once(first, 'close')
  first.destroy()
  await closed
  expect(await countConnections(port)).toBe(2)
})
