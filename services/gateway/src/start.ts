import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createBudgets, toBudgetLimits, type Settings } from '@chatbox/kit'
import { createTokenVerifier } from './auth/verify-token.ts'
import { toConsoleAddress } from './auth/operators/console-address.ts'
import { createOidcProvider } from './auth/operators/oidc-provider.ts'
import { createOperatorList } from './auth/operators/operator-list.ts'
import { createOperatorTokens } from './auth/operators/operator-tokens.ts'
import { RevocationCopy } from './auth/revocation-copy.ts'
import { createVisitorTokens, type VisitorTokens } from './auth/visitor-tokens.ts'
import type { Context, GatewayOptions, GatewayPorts } from './context.ts'
import { AuditTrail } from './edge/audit-trail.ts'
import { PendingWork } from './edge/pending-work.ts'
import { createRateGuard } from './edge/rate-guard.ts'
import { createSecurityEvents } from './edge/security-events.ts'
import { createApp } from './http/app.ts'
import { createOriginCheck } from './http/security.ts'
import { InboxHub } from './inbox/inbox-hub.ts'
import { createHideOperators } from './usecases/human/hide-operators.ts'
import type { DrainOptions } from './ws/engine/drain.ts'
import { createFirstLink } from './auth/operators/sign-in.ts'
import { openSocketServer, type SocketServer } from './ws/socket-server.ts'

export type { GatewayOptions, GatewayPorts } from './context.ts'
export type { DrainOptions } from './ws/engine/drain.ts'
export type { SocketAdapter } from './ws/chat-socket.ts'

/** The built pages. The path is the same from the sources and the compiled files. */
const toPageRoot = (page: string): string =>
  fileURLToPath(new URL(`../../../web/${page}/dist/`, import.meta.url))

export function toGatewayOptions(settings: Settings): GatewayOptions {
  const { server, auth, sessions, limits, budgets, operators, providers } = settings
  const [first, ...others] = providers.map(({ id, name }) => ({ id, name }))
  if (!first) throw new Error('the settings have no model')
  const models = [first, ...others] as const
  const pages = { webRoot: toPageRoot('chat'), consoleRoot: toPageRoot('console') }
  return { server, auth, sessions, limits, budgets, operators, models, ...pages }
}

export interface Gateway {
  port: number
  /** Returns the number of open sockets. */
  connections(): number
  /** Returns the console's address with a new sign-in link of the first admin in `OPERATORS`. */
  createSignInLink(): Promise<string | undefined>
  /** Refuses new sockets, tells each connected client when to reconnect, and closes all sockets. */
  drain(options: DrainOptions): Promise<void>
  /** Closes everything at once, except the ports that were passed in. Idempotent. */
  stop(): Promise<void>
}

/** Listens for sockets and HTTP on one port. Rejects if the port is not available. */
export async function startGateway(ports: GatewayPorts, options: GatewayOptions): Promise<Gateway> {
  const context: Context = {
    ...createParts(ports, options),
    announceEntry: (message, session) => sockets.announceEntry(message, session),
    announceDesk: (news) => sockets.announceDesk(news),
  }
  const sockets: SocketServer = openSocketServer(context)
  const app: RequestListener = createApp(context)
  const httpServer = createHttpServer(options, app)
  sockets.attach(httpServer)
  await context.revocations.start()
  try {
    await listen(httpServer, options.server)
  } catch (error) {
    context.revocations.stop()
    await sockets.close()
    throw error
  }
  let stopped: Promise<void> | undefined
  return {
    port: toPort(httpServer),
    connections: () => sockets.connections(),
    createSignInLink: () => createFirstLink(context),
    drain: (drainOptions) => sockets.drain(drainOptions),
    stop() {
      // A request that is still running would keep its connection for the keep-alive time.
      httpServer.keepAliveTimeout = 1
      return (stopped ??= closeInTime(httpServer, sockets).finally(() => {
        context.revocations.stop()
        context.inboxHub.stop()
        context.security.stop()
      }))
    },
  }
}

function createParts(
  ports: GatewayPorts,
  options: GatewayOptions,
): Omit<Context, 'announceEntry' | 'announceDesk'> {
  const { clock, logger } = ports
  const operators = createOperatorList(options.operators.list)
  const operatorTokens = createOperatorTokens(operators, ports)
  const visitors = createVisitors(ports, options)
  const security = createSecurityEvents(ports)
  const revocations = new RevocationCopy(ports)
  const verifyToken = createTokenVerifier(options.auth, {
    clock,
    visitors,
    operators: operatorTokens,
  })
  const work = new PendingWork(logger)
  return {
    ...ports,
    revocations,
    options,
    visitors,
    operators,
    operatorTokens,
    oidc: createOidcProvider(
      { ...options.operators, redirectUri: toConsoleAddress(options.server) },
      logger,
    ),
    security,
    hideOperators: createHideOperators(ports),
    guard: createRateGuard(options.limits, { ...ports, security }),
    budgets: createBudgets(toBudgetLimits(options), ports),
    inboxHub: new InboxHub(ports),
    work,
    trail: new AuditTrail({ ...ports, options, work }),
    verifyToken: async (token) => revocations.check(await verifyToken(token)),
    isAllowedOrigin: createOriginCheck(options.server),
  }
}

/** How long responses may take when the process ends. */
export const STOP_MS = 5000

/** Closing waits for all responses, and some client may read none. */
async function closeInTime(httpServer: Server, sockets: SocketServer): Promise<void> {
  const timer = setTimeout(() => httpServer.closeAllConnections(), STOP_MS)
  await sockets.close().finally(() => clearTimeout(timer))
}

function createVisitors(
  { clock }: GatewayPorts,
  { auth }: GatewayOptions,
): VisitorTokens | undefined {
  if (!auth.allowVisitors) return undefined
  if (auth.jwtSecret === undefined) throw new Error('ALLOW_VISITORS needs JWT_SECRET')
  return createVisitorTokens(auth.jwtSecret, clock)
}

/** Connections beyond the sockets, for clients that are idle or slow. */
export const SPARE_CONNECTIONS = 1000

/**
 * Keep-alive must last longer than the load balancer's: a balancer that sends a request on a
 * closing connection answers 502. AWS and nginx keep idle connections for 60 s; Google keeps them
 * for 600 s, which cannot be changed. Without a proxy the connections are browsers', and there may
 * be many.
 */
const KEEP_ALIVE_MS = 75_000
const PROXY_KEEP_ALIVE_MS = 620_000

/** Closes connections that send their request slowly. Node's default lets them stay for minutes. */
export const REQUEST_BOUNDS = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  maxHeaderSize: 16 * 1024,
}

function createHttpServer(options: GatewayOptions, app: RequestListener): Server {
  const settings = {
    ...REQUEST_BOUNDS,
    keepAliveTimeout:
      options.server.trustedProxies.length > 0 ? PROXY_KEEP_ALIVE_MS : KEEP_ALIVE_MS,
    connectionsCheckingInterval: 1000,
  }
  const server = createServer(settings, app)
  server.maxConnections = options.limits.maxConnections + SPARE_CONNECTIONS
  return server
}

async function listen(server: Server, { port, host }: GatewayOptions['server']): Promise<void> {
  server.listen(port, host)
  // Rejects on an 'error' event.
  await once(server, 'listening')
}

function toPort(server: Server): number {
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}
