import type { Session } from '@chatbox/contract'
import { requestFile, requestJson } from './connection/request.ts'
import type { GetToken } from './connection/token.ts'
import { Observable } from './observable.ts'

export interface Sessions {
  status: 'unread' | 'reading' | 'ready' | 'failed'
  items: readonly Session[]
  nextCursor: string | null
}

interface SessionServer {
  /** The URL of the page's folder, including the path prefix, without a trailing slash. */
  baseUrl: string
  getToken: GetToken
}

export const NO_SESSIONS: Sessions = { status: 'unread', items: [], nextCursor: null }

const PAGE = 30
/** The maximum length of the list. Nobody reads further. */
const MAX_ITEMS = 1000

/** The user's own sessions, latest activity first, as far as they were read. */
export class MySessions extends Observable<Sessions> {
  readonly #server: SessionServer

  constructor(server: SessionServer) {
    super(NO_SESSIONS)
    this.#server = server
  }

  /** Reloads the list, or reads its next part. Never rejects. */
  async read(more: boolean): Promise<void> {
    const known = this.state
    if (known.status === 'reading') return
    this.setState({ ...known, status: 'reading' })
    try {
      const cursor = more ? known.nextCursor : null
      const { items, nextCursor } = await this.#readPage(cursor)
      const all = cursor ? [...known.items, ...items] : items
      const next = all.length < MAX_ITEMS ? nextCursor : null
      this.setState({ status: 'ready', items: all, nextCursor: next })
    } catch {
      this.setState({ ...known, status: 'failed' })
    }
  }

  update(session: Session): void {
    const items = this.state.items.map((one) => (one.id === session.id ? session : one))
    this.setState({ ...this.state, items })
  }

  /** Reads the transcript of a session as a page. Rejects with `RequestError`. */
  async readTranscript(sessionId: string): Promise<Blob> {
    const path = `/api/sessions/${sessionId}/transcript?format=html`
    return await requestFile(`${this.#server.baseUrl}${path}`, await this.#authorize())
  }

  async #readPage(cursor: string | null): Promise<Pick<Sessions, 'items' | 'nextCursor'>> {
    const query = new URLSearchParams({ limit: String(PAGE), ...(cursor ? { cursor } : {}) })
    const url = `${this.#server.baseUrl}/api/sessions?${query}`
    return (await requestJson(url, await this.#authorize())) as Sessions
  }

  async #authorize(): Promise<RequestInit> {
    const token = await this.#server.getToken({ renew: false })
    return { headers: { authorization: `Bearer ${token}` } }
  }
}
