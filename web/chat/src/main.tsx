import { openChat } from '@chatbox/client'
import { render } from 'preact'
import { createOutboxDatabase } from './outbox-database.ts'
import { readBaseUrl } from './page-address.ts'
import { createPageToken } from './page-token.ts'
import { readTabId } from './tab-id.ts'
import { App } from './view/app.tsx'

const baseUrl = readBaseUrl(location.href)
const client = openChat({
  baseUrl,
  getToken: createPageToken(baseUrl),
  storage: createOutboxDatabase(),
  tabId: readTabId(),
})
window.addEventListener('online', () => client.connect())
window.addEventListener('pagehide', (event) => {
  // A page that is only set aside comes back with its connection broken, and connects again.
  if (!event.persisted) client.close()
})

const root = document.getElementById('app')
if (root) render(<App client={client} />, root)
