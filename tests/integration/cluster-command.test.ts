import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from '@jest/globals'
import { findFreePort } from '../environment/servers/ports.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { waitUntil } from '../environment/wait-until.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const START_MS = 60_000

interface Command {
  child: ChildProcess
  lines: string[]
  ended: Promise<number | null>
}

const commands: Command[] = []

afterEach(async () => {
  for (const { child, ended } of commands.splice(0)) {
    child.kill('SIGTERM')
    await ended
  }
})

/** `until` is the beginning of the line that is waited for. */
async function startCommand(until = 'chatbox: http'): Promise<Command & { port: number }> {
  const port = await findFreePort()
  const child = spawn(
    process.execPath,
    [
      'scripts/with-runtime.js',
      '--session',
      'node',
      '--conditions=chatbox-source',
      'scripts/cluster.ts',
    ],
    { cwd: ROOT, env: { ...process.env, PORT: String(port) }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line))
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const command = { child, lines, ended }
  commands.push(command)
  await waitUntil(() => lines.some((line) => line.startsWith(until)), START_MS)
  return { ...command, port }
}

/** The processes that it said it started, by name. */
function pidsOf({ lines }: Command): Map<string, number> {
  return new Map(
    lines.flatMap((line) => {
      const [, name, pid] = /^([\w-]+) .*process (\d+)/.exec(line) ?? []
      return name === undefined ? [] : [[name, Number(pid)] as const]
    }),
  )
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describeWithCluster('npm run cluster', () => {
  it(
    'starts everything, serves the page over both gateways, and stops all of it',
    async () => {
      const command = await startCommand()
      const pids = pidsOf(command)
      expect([...pids.keys()].toSorted()).toEqual([
        'gateway-1',
        'gateway-2',
        'redis',
        'store',
        'worker-1',
        'worker-2',
      ])
      for (let request = 0; request < 4; request += 1) {
        const page = await fetch(`http://127.0.0.1:${command.port}/chatbox/`)
        expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<html')])
      }
      command.child.kill('SIGTERM')
      expect(await command.ended).toBe(0)
      expect([...pids].filter(([, pid]) => isAlive(pid))).toEqual([])
    },
    2 * START_MS,
  )

  it.each(['redis', 'store', 'gateway-1'])(
    'leaves nothing behind when it is stopped while it starts, after %s',
    async (name) => {
      const command = await startCommand(name)
      command.child.kill('SIGTERM')
      await command.ended
      const pids = pidsOf(command)
      expect(pids.has(name)).toBe(true)
      await waitUntil(() => [...pids.values()].every((pid) => !isAlive(pid)))
    },
    2 * START_MS,
  )

  it(
    'stops all of it when one part dies, and says which',
    async () => {
      const command = await startCommand()
      const pids = pidsOf(command)
      process.kill(pids.get('worker-2') ?? 0, 'SIGKILL')
      expect(await command.ended).toBe(1)
      expect(command.lines).toContain('worker-2 ended by itself with SIGKILL')
      expect([...pids].filter(([, pid]) => isAlive(pid))).toEqual([])
    },
    2 * START_MS,
  )
})
