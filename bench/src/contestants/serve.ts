import { createServer, type Server } from 'node:http'
import { listen } from '../../../tests/environment/servers/ports.ts'

/** The frame of a contestant with a server of its own, which it lets listen on `PORT`. */
export async function serve(server: Server): Promise<void> {
  await listen(server, { port: Number(process.env.PORT) })
  await beReady()
}

/**
 * Says on `MANAGEMENT_PORT` that this process is ready, so that every contestant is started in the same
 * way as the product's own processes.
 */
export async function beReady(): Promise<void> {
  const ready = createServer((_, response) => response.end())
  await listen(ready, { port: Number(process.env.MANAGEMENT_PORT) })
  process.once('SIGTERM', () => process.exit(0))
}

/** The address of a back end that the bench has started. */
export function readAddress(name: 'REDIS_URL' | 'MONGO_URI' | 'MODEL_URL'): string {
  const address = process.env[name]
  if (address === undefined) throw new Error(`${name} is not set`)
  return address
}
