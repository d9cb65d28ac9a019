import { once } from 'node:events'
import { createServer, type Server } from 'node:http'

/**
 * The frame of every stand-alone contestant: a server on `PORT`, and one on `MANAGEMENT_PORT` that
 * says when it is ready, so that it is started in the same way as the product's own processes.
 */
export async function serve(server: Server): Promise<void> {
  const ready = createServer((_, response) => response.end())
  for (const [each, port] of [
    [server, process.env.PORT],
    [ready, process.env.MANAGEMENT_PORT],
  ] as const) {
    each.listen(Number(port), '127.0.0.1')
    await once(each, 'listening')
  }
  process.once('SIGTERM', () => process.exit(0))
}

/** The address of a back end that the bench has started. */
export function readAddress(name: 'REDIS_URL' | 'MONGO_URI' | 'MODEL_URL'): string {
  const address = process.env[name]
  if (address === undefined) throw new Error(`${name} is not set`)
  return address
}
