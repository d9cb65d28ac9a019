import { createServer, type Server } from 'node:http'
import { listen } from '../../../tests/environment/servers/ports.ts'

/** Runs a contestant with its own server, which listens on `PORT`. */
export async function serve(server: Server): Promise<void> {
  await listen(server, { port: Number(process.env.PORT) })
  await beReady()
}

/**
 * Reports on `MANAGEMENT_PORT` that this process is ready, so that every contestant is started in
 * the same way as the product.
 */
export async function beReady(): Promise<void> {
  const ready = createServer((_, response) => response.end())
  await listen(ready, { port: Number(process.env.MANAGEMENT_PORT) })
  process.once('SIGTERM', () => process.exit(0))
}

/** Returns the address of a back end that the bench has started. */
export function readAddress(name: 'REDIS_URL' | 'MONGO_URI' | 'MODEL_URL'): string {
  const address = process.env[name]
  if (address === undefined) throw new Error(`${name} is not set`)
  return address
}
