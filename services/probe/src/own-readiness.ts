import { get } from 'node:http'

/** Leaves time for the start of the probe within the 3 s that compose gives a health check. */
const TIMEOUT_MS = 2000
const MAX_BODY = 10_000

/**
 * Returns the reason why this container's process is not ready, or undefined if it is. This runs
 * every few seconds, so it loads only Node's own client.
 */
export function findOwnFault(managementPort: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const url = `http://127.0.0.1:${managementPort}/readyz`
    if (!/^\d{1,5}$/.test(managementPort)) {
      resolve('MANAGEMENT_PORT is no port')
      return
    }
    const fail = (why: string) => {
      resolve(`nothing answers on port ${managementPort}: ${why}`)
    }
    const request = get(url, { agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('error', (error) => fail(error.message))
      response.on('data', (piece: string) => {
        if (body.length < MAX_BODY) body += piece
      })
      response.on('end', () => {
        resolve(response.statusCode === 200 ? undefined : toFault(body))
      })
    })
    request.on('error', (error) => fail(error.message))
    // Limits the whole answer, because one that never ends is a failure too.
    setTimeout(() => {
      fail(`no answer within ${TIMEOUT_MS} ms`)
      request.destroy()
    }, TIMEOUT_MS).unref()
  })
}

function toFault(body: string): string {
  try {
    const { checks } = JSON.parse(body) as { checks: Record<string, string> }
    const failing = Object.entries(checks).filter(([, state]) => state !== 'ok')
    return failing.map(([name, state]) => `${name} ${state}`).join(', ')
  } catch {
    return 'its answer is no readiness'
  }
}
