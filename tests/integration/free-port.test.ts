import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { startChild, type Child } from '../environment/servers/child.ts'
import { findFreePort } from '../environment/servers/ports.ts'

const PORTS = new URL('../environment/servers/ports.ts', import.meta.url).href
/** Prints a block's worth of ports, of which it uses none yet, and goes on. */
const OTHER = `
import { findFreePort } from '${PORTS}'
const ports = []
for (let index = 0; index < 15; index++) ports.push(await findFreePort())
console.log(ports.join(' '))
setInterval(() => undefined, 1000)
`

let other: Child | undefined

function handOutElsewhere(): Promise<number[]> {
  return new Promise((resolve) => {
    other = startChild(process.execPath, ['--input-type=module', '--eval', OTHER], {
      onLine: (line) => resolve(line.split(' ').map(Number)),
    })
  })
}

afterEach(async () => {
  await other?.kill()
  other = undefined
})

describe('a free port', () => {
  it('is none that another process was given, although nobody listens there yet', async () => {
    const theirs = await handOutElsewhere()
    const blocks = [Math.min(...theirs) - 1]
    const ours: number[] = []
    while (ours.length < 15) ours.push(await findFreePort(() => blocks.shift() ?? 15_000))
    expect(blocks).toEqual([])
    expect(new Set([...theirs, ...ours]).size).toBe(30)
  })

  it('can be given again when the process that had its block was killed', async () => {
    const theirs = await handOutElsewhere()
    await other?.kill()
    expect(await findFreePort(() => Math.min(...theirs) - 1)).toBe(theirs[0])
  })

  it('is none on which somebody listens', async () => {
    const given = await findFreePort()
    const server = createServer().listen(given + 1, '127.0.0.1')
    await once(server, 'listening')
    expect(await findFreePort()).toBeGreaterThan(given + 1)
    server.close()
  })

  it('is not looked for where listening fails for another reason, nor without end', async () => {
    const useUp = async (first: number): Promise<void> => {
      for (;;) await findFreePort(() => first)
    }
    await expect(useUp(65_536)).rejects.toMatchObject({ code: 'ERR_SOCKET_BAD_PORT' })
    await handOutElsewhere().then(async ([first = 0]) => {
      await expect(useUp(first - 1)).rejects.toThrow('no TCP port is free')
    })
  })
})
