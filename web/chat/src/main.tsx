import { ChatClient } from '@chatbox/client'
import { render } from 'preact'
import { App } from './app.tsx'
import { createChatOptions } from './chat-options.ts'

const client = new ChatClient(createChatOptions())
client.connect()
window.addEventListener('online', () => client.connect())
window.addEventListener('pagehide', (event) => {
  // A page that is only set aside comes back with its connection broken, and connects again.
  if (!event.persisted) client.close()
})

const root = document.getElementById('app')
if (root) render(<App client={client} />, root)
