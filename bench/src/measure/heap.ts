import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'

interface Memory {
  heapKb: number
  residentKb: number
}

/** Asks a Node.js process from outside for its heap size after garbage collection. */
export interface MemoryProbe {
  read(): Promise<Memory>
  close(): void
}

/** Below the system's ports for outgoing connections, of which the process makes many. */
const PORTS = { lowest: 20_000, count: 12_000 }
const OPEN_TIMEOUT_MS = 20_000
const POLL_MS = 50

/** The settings with which a process opens its inspector on this port on request. */
export function prepareProbe(): { port: number; env: Record<string, string> } {
  const port = PORTS.lowest + Math.floor(Math.random() * PORTS.count)
  return { port, env: { NODE_OPTIONS: `--inspect-port=127.0.0.1:${port}` } }
}

/** SIGUSR1 makes Node.js open its inspector, without any code of the process. */
export async function openProbe(pid: number, port: number): Promise<MemoryProbe> {
  process.kill(pid, 'SIGUSR1')
  const socket = new WebSocket(await findInspector(port), { perMessageDeflate: false })
  await once(socket, 'open')
  let lastId = 0

  async function ask(method: string): Promise<unknown> {
    lastId += 1
    const id = lastId
    socket.send(JSON.stringify({ id, method }))
    for (;;) {
      const [data] = (await once(socket, 'message')) as [Buffer]
      const answer = JSON.parse(data.toString()) as { id?: number; result?: unknown }
      if (answer.id === id) return answer.result
    }
  }

  return {
    async read() {
      // The first collection lets a second one free more.
      await ask('HeapProfiler.collectGarbage')
      await ask('HeapProfiler.collectGarbage')
      const { usedSize } = (await ask('Runtime.getHeapUsage')) as { usedSize: number }
      return { heapKb: usedSize / 1024, residentKb: await readResidentKb(pid) }
    },
    close: () => socket.terminate(),
  }
}

async function findInspector(port: number): Promise<string> {
  const deadline = performance.now() + OPEN_TIMEOUT_MS
  for (;;) {
    const list = await fetch(`http://127.0.0.1:${port}/json/list`)
      .then((answer) => answer.json() as Promise<{ webSocketDebuggerUrl: string }[]>)
      .catch(() => [])
    const url = list[0]?.webSocketDebuggerUrl
    if (url !== undefined) return url
    if (performance.now() > deadline) throw new Error('an inspector did not open')
    await sleep(POLL_MS)
  }
}

export async function readResidentKb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1])
}
