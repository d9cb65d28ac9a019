import { afterAll, afterEach, beforeAll } from '@jest/globals'
import { openChatUser, type ChatUser, type ChatUserOptions } from './chat-user.ts'
import { openRawSocket, type RawSocket, type RawSocketOptions } from './raw-socket.ts'
import {
  openTestBackend,
  startTestGateway,
  type OptionChanges,
  type TestBackend,
  type TestGateway,
  type TestPorts,
} from './test-gateway.ts'
import { signToken } from '../environment/tokens.ts'

/** A gateway for all tests of a file; what a test opens besides is closed after it. */
export interface GatewayHarness {
  readonly backend: TestBackend
  readonly gateway: TestGateway
  /** To the file's own gateway, unless `url` says otherwise. */
  connect(options?: Partial<ChatUserOptions>): Promise<ChatUser>
  connectRaw(options?: Partial<RawSocketOptions>): Promise<RawSocket>
  /** A raw socket that has been let in. */
  loginRaw(userId?: string): Promise<RawSocket>
  /** Another gateway over the same back end. */
  startOther(options?: OptionChanges, ports?: Partial<TestPorts>): Promise<TestGateway>
}

export function useGateway(
  options: OptionChanges = {},
  toPorts: (ports: TestPorts) => TestPorts = (ports) => ports,
): GatewayHarness {
  let parts: { backend: TestBackend; gateway: TestGateway } | undefined
  const users: ChatUser[] = []
  const sockets: RawSocket[] = []
  const others: TestGateway[] = []

  beforeAll(async () => {
    const backend = await openTestBackend()
    parts = { backend, gateway: await startTestGateway(toPorts(backend.ports), options) }
  })
  afterEach(async () => {
    for (const user of users.splice(0)) user.close()
    for (const socket of sockets.splice(0)) socket.end()
    await Promise.all(others.splice(0).map((other) => other.stop()))
  })
  afterAll(async () => {
    await parts?.gateway.stop()
    await parts?.backend.close()
  })

  const opened = () => {
    if (!parts) throw new Error('the gateway is started before the first test, not earlier')
    return parts
  }
  const connectRaw = async (more: Partial<RawSocketOptions> = {}) => {
    const socket = await openRawSocket({ url: opened().gateway.url, ...more })
    sockets.push(socket)
    return socket
  }
  return {
    get backend() {
      return opened().backend
    },
    get gateway() {
      return opened().gateway
    },
    async connect(more = {}) {
      const user = await openChatUser({ url: opened().gateway.url, ...more })
      users.push(user)
      return user
    },
    connectRaw,
    async loginRaw(userId = 'raw') {
      const socket = await connectRaw()
      await socket.login(await signToken({ sub: userId }))
      return socket
    },
    async startOther(more = {}, ports = {}) {
      const other = await startTestGateway({ ...toPorts(opened().backend.ports), ...ports }, more)
      others.push(other)
      return other
    },
  }
}
