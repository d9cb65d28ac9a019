import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { listen } from '../../environment/servers/ports.ts'
import type { Certificate } from '../../operations/compose/support/make-certificate.ts'

/** What a server answers to a post; 204 by default. */
export interface WebBehaviour {
  status?: number
  headers?: Readonly<Record<string, string>>
  body?: string
  /** `silent`: no answer. `hangUp`: ends the connection. `half`: never ends the body. */
  does?: 'silent' | 'hangUp' | 'half'
}

export interface Posted {
  path: string
  headers: IncomingHttpHeaders
  body: string
}

export interface WebServer {
  port: number
  posts: Posted[]
  /** Set to change what is answered from now on. */
  behaviour: WebBehaviour
  close(): Promise<void>
}

/** Starts an HTTP server, or an HTTPS server if it has a certificate. */
export async function startWebServer(
  behaviour: WebBehaviour,
  certificate?: Certificate,
): Promise<WebServer> {
  const posts: Posted[] = []
  const server = certificate
    ? createTlsServer({
        key: await readFile(certificate.key),
        cert: await readFile(certificate.cert),
      })
    : createServer()
  server.on('request', (request, response) => {
    void text(request).then((body) => {
      posts.push({ path: request.url ?? '', headers: request.headers, body })
      answer(response, web.behaviour)
    })
  })
  server.on('tlsClientError', () => undefined)
  const listening = await listen(server)
  const web: WebServer = { port: listening.port, posts, behaviour, close: () => listening.close() }
  return web
}

function answer(response: ServerResponse, behaviour: WebBehaviour): void {
  const { status = 204, headers = {}, body = '', does } = behaviour
  if (does === 'silent') return
  if (does === 'hangUp') {
    response.destroy()
    return
  }
  response.writeHead(status, headers)
  response.write(body)
  if (does !== 'half') response.end()
}
