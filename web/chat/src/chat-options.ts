import {
  type ChatClientOptions,
  createBrowserStorage,
  createTokenSource,
  type GetToken,
  type IssuedToken,
  requestChange,
  requestJson,
} from '@chatbox/client'

/** With the visitor's cookie. */
const OWN = { credentials: 'same-origin' } as const

interface PageOptions extends Omit<ChatClientOptions, 'tabId' | 'isNewTab'> {
  /** Calls `listener` when another tab of this page has made the browser forget its visitor. */
  onForgotten(listener: () => void): void
}

/** Creates the options that the client gets from the page and its browser. */
export function createChatOptions(): PageOptions {
  // The page's folder on the server, path prefix included.
  const baseUrl = new URL('.', location.href).href.replace(/\/$/, '')
  const tabs = openTabs(`chatbox-forgotten ${baseUrl}`)
  return {
    baseUrl,
    getToken: createPageToken(baseUrl),
    storage: createBrowserStorage('chatbox-outbox'),
    forgetting: {
      ask: () =>
        inTurn(baseUrl, () =>
          requestChange(`${baseUrl}/api/visitors`, { ...OWN, method: 'DELETE' }),
        ),
      tell: () => tabs?.postMessage(null),
    },
    onForgotten: (listener) => tabs?.addEventListener('message', listener),
  }
}

/** Returns undefined where the browser refuses a page its storage, which throws here too. */
function openTabs(name: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(name)
  } catch {
    return undefined
  }
}

/**
 * Runs one request about the visitor's cookie after another, in all tabs: the answer to one that was
 * under way would bring a forgotten visitor's cookie back. Where there are no locks, on plain http,
 * it runs at once.
 */
async function inTurn<T>(baseUrl: string, ask: () => Promise<T>): Promise<T> {
  // Missing on plain http, whatever the type says.
  const locks = navigator.locks as LockManager | undefined
  return locks ? await locks.request(`chatbox-visitor ${baseUrl}`, ask) : await ask()
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
  const url = `${baseUrl}/api/visitors`
  return (await inTurn(baseUrl, () => requestJson(url, { ...OWN, method: 'POST' }))) as IssuedToken
}
