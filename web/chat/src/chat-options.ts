import {
  type ChatClientOptions,
  createId,
  createMemoryStorage,
  createTokenSource,
  type GetToken,
  type IssuedToken,
  type OutboxStorage,
  requestJson,
} from '@chatbox/client'
import { createStore, del, set, values } from 'idb-keyval'

const TAB_KEY = 'chatbox-tab'

/** All that the client takes from the page and its browser. */
export function createChatOptions(): ChatClientOptions {
  // The page's folder on the server, path prefix included.
  const baseUrl = new URL('.', location.href).href.replace(/\/$/, '')
  return {
    baseUrl,
    getToken: createPageToken(baseUrl),
    storage: createOutboxDatabase(),
    tabId: readTabId(),
  }
}

/**
 * Where a user's token comes from. A host application that knows its user listens for
 * `chatbox:token-needed` on `window` and calls `detail.provide(promise)` before it returns; the
 * promise gives `{ token, expiresAt }`. Where nobody does, the server's visitor token is taken.
 */
function createPageToken(baseUrl: string): GetToken {
  return createTokenSource(async () => (await askHost()) ?? (await createVisitor(baseUrl)))
}

function askHost(): Promise<IssuedToken> | undefined {
  let provided: Promise<IssuedToken> | undefined
  const provide = (token: Promise<IssuedToken>): void => void (provided = token)
  window.dispatchEvent(new CustomEvent('chatbox:token-needed', { detail: { provide } }))
  return provided
}

async function createVisitor(baseUrl: string): Promise<IssuedToken> {
  const init: RequestInit = { method: 'POST', credentials: 'same-origin' }
  return (await requestJson(`${baseUrl}/api/visitors`, init)) as IssuedToken
}

/** Unsent messages in IndexedDB; in memory where the browser allows no storage. */
function createOutboxDatabase(): OutboxStorage {
  if (!('indexedDB' in globalThis)) return createMemoryStorage()
  const store = createStore('chatbox-outbox', 'messages')
  return {
    readAll: () => values<unknown>(store),
    put: (message) => set(message.clientMessageId, message, store),
    remove: (clientMessageId) => del(clientMessageId, store),
  }
}

/** Stays the same over a reload of this tab, as far as the browser allows storage. */
function readTabId(): string {
  try {
    const tabId = sessionStorage.getItem(TAB_KEY) ?? createId()
    sessionStorage.setItem(TAB_KEY, tabId)
    return tabId
  } catch {
    return createId()
  }
}
