import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const API = 'https://10.240.0.1:6443'
const TIMEOUT_MS = 5000

export interface KubeApi {
  /** The object at a path such as `/api/v1/nodes`. Rejects with the status where there is none. */
  get<T>(path: string): Promise<T>
  /** Calls `onLine` with each line of an answer that goes on, until it ends or `signal` ends it. */
  follow(path: string, onLine: (line: string) => void, signal: AbortSignal): Promise<void>
  close(): void
}

/** Asks the API server directly: a program started each second would cost more than what it measures. */
export async function openKubeApi(labFolder: string): Promise<KubeApi> {
  const read = async (name: string): Promise<string> =>
    readFile(join(labFolder, 'pki', name), 'utf8')
  const agent = new Agent({
    keepAlive: true,
    ca: await read('ca.crt'),
    cert: await read('admin.crt'),
    key: await read('admin.key'),
  })

  async function open(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const outgoing = request(`${API}${path}`, { agent, signal }).end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    // What breaks later ends the reading of the answer as well.
    outgoing.on('error', () => undefined)
    if (answer.statusCode === 200) return answer
    answer.resume()
    throw new Error(`${path} answered ${answer.statusCode}`)
  }

  return {
    async get<T>(path: string) {
      const answer = await open(path, AbortSignal.timeout(TIMEOUT_MS))
      const chunks: Uint8Array[] = []
      for await (const chunk of answer) chunks.push(chunk as Uint8Array)
      // Of a kind that the API documents; whoever asks says which.
      return JSON.parse(Buffer.concat(chunks).toString()) as T
    },
    async follow(path, onLine, signal) {
      const answer = await open(path, signal)
      const lines = createInterface({ input: answer })
      lines.on('line', onLine)
      answer.on('error', () => lines.close())
      await once(lines, 'close')
    },
    close: () => agent.destroy(),
  }
}
