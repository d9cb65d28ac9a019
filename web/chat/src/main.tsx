import { ChatClient } from '@chatbox/client'
import { render } from 'preact'
import { App } from './app.tsx'
import { createChatOptions } from './chat-options.ts'
import { takeTabId } from './tab-id.ts'

const options = createChatOptions()
const { tabId, isNewTab, onMove } = takeTabId()
const client = new ChatClient({ ...options, tabId, isNewTab })
options.onForgotten(() => void client.onForgotten())
onMove((id) => client.moveToTab(id))
client.connect()
window.addEventListener('online', () => client.connect())
window.addEventListener('pagehide', (event) => {
  // A page from the back/forward cache finds its connection broken and reconnects by itself.
  if (!event.persisted) client.close()
})

const root = document.getElementById('app')
if (root) render(<App client={client} />, root)
