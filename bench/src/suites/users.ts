import type { Session } from '@chatbox/contract'
import type { ServiceProcess } from '../../../scripts/servers/processes.ts'
import type { BenchBackEnds } from '../bench-cluster.ts'
import { startContestant, startOurs } from '../contestants/start-contestant.ts'
import { Line, type Dialect } from '../load/line.ts'
import { socketUrl } from '../load/socket-url.ts'
import { createToken } from '../token.ts'

/** A contestant that takes connections, and how a user connects to it. */
export interface Kind {
  name: string
  what: string
  start(env?: Record<string, string>): Promise<ServiceProcess>
  connect(server: ServiceProcess, user: string): Promise<Line>
}

/** Every contestant that connections are compared over, the baseline and its double first. */
export function listKinds(backEnds: BenchBackEnds): Kind[] {
  const bare = (name: string, what: string): Kind =>
    toBare(backEnds, { name, what, file: 'bare-socket-io-main.ts', dialect: 'engine.io' })
  return [
    bare('socket.io', 'Bare Socket.IO with `@socket.io/redis-adapter`; a user joins a room'),
    bare('socket.io again', 'The same once more: the resolution'),
    toBare(backEnds, {
      ...{ name: 'plain ws', what: '`ws` and a map of rooms; a user joins a room' },
      ...{ file: 'plain-ws-main.ts', dialect: 'plain' },
    }),
    toOurs(backEnds, { name: 'ours', what: 'The product: token, limits, presence', opens: false }),
    toOurs(backEnds, {
      ...{ name: 'ours + session', what: 'With the session opened: subscription, log, draft' },
      opens: true,
    }),
  ]
}

interface Bare {
  name: string
  what: string
  file: string
  dialect: Dialect
}

function toBare(backEnds: BenchBackEnds, { name, what, file, dialect }: Bare): Kind {
  return {
    ...{ name, what },
    start: (env = {}) => startContestant(file, { env: { ...backEnds.env, ...env }, name }),
    async connect(server, user) {
      const line = await Line.open({ url: socketUrl(server, dialect), dialect })
      await line.prepare('session:open', { sessionId: `room-of-${user}` })
      return line
    },
  }
}

function toOurs(
  backEnds: BenchBackEnds,
  { name, what, opens }: { name: string; what: string; opens: boolean },
): Kind {
  return {
    ...{ name, what },
    start: (env = {}) => startOurs('gateway', { env: { ...backEnds.env, ...env }, name }),
    async connect(server, user) {
      const line = await Line.open({
        url: socketUrl(server, 'engine.io'),
        dialect: 'engine.io',
        token: createToken(user, backEnds.secret),
      })
      if (opens) await line.prepare<{ session: Session }>('session:open', {})
      return line
    },
  }
}
