import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { findFreePort } from '../environment/servers/ports.ts'

const server = createServer()

afterEach(() => {
  server.close()
})

describe('a free port', () => {
  it('is none on which somebody listens, and none that was given before', async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const inUse = (server.address() as AddressInfo).port
    const given = await findFreePort()
    const picks = [inUse, given]
    const pick = (): number => picks.shift() ?? randomInt(20_000, 30_000)
    expect([inUse, given]).not.toContain(await findFreePort(pick))
    expect(picks).toEqual([])
  })

  it('is not looked for where listening fails for another reason', async () => {
    await expect(findFreePort(() => 65_536)).rejects.toMatchObject({ code: 'ERR_SOCKET_BAD_PORT' })
  })

  it('is not looked for without end', async () => {
    const given = await findFreePort()
    await expect(findFreePort(() => given)).rejects.toThrow('no TCP port is free')
  })
})
