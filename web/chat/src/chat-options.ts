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

/** Creates the options that the client gets from the page and its browser. */
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
 * Creates the source of the user's token. A host application that knows its user listens for
 * `chatbox:token-needed` on `window` and calls `detail.provide(promise)` synchronously; the promise
 * gives `{ token, expiresAt }`. If nobody does, the server issues a visitor token.
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

/** Stores unsent messages in IndexedDB, or in memory if the browser allows no storage. */
function createOutboxDatabase(): OutboxStorage {
  if (!('indexedDB' in globalThis)) return createMemoryStorage()
  const store = createStore('chatbox-outbox', 'messages')
  return {
    readAll: () => values<unknown>(store),
    put: (message) => set(message.clientMessageId, message, store),
    remove: (clientMessageId) => del(clientMessageId, store),
  }
}

/** Reads the id of this tab. It survives a reload if the browser allows storage. */
function readTabId(): string {
  try {
    const tabId = sessionStorage.getItem(TAB_KEY) ?? createId()
    sessionStorage.setItem(TAB_KEY, tabId)
    return tabId
  } catch {
    return createId()
  }
}
