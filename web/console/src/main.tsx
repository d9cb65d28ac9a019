import { createBrowserStorage } from '@chatbox/client'
import { render } from 'preact'
import { App } from './app.tsx'
import { ConsoleClient } from './client/console-client.ts'
import { createOperatorToken, takeProof } from './sign-in/operator-token.ts'
import { tellOperator } from './tell/tell-operator.ts'

// The folder of the chat: the console lies below it.
const baseUrl = new URL('..', location.href).href.replace(/\/$/, '')
const client = new ConsoleClient({
  baseUrl,
  getToken: createOperatorToken(baseUrl, takeProof()),
  storage: createBrowserStorage('chatbox-console'),
})
client.connect()
tellOperator(client)
window.addEventListener('online', () => client.connect())
window.addEventListener('pagehide', (event) => {
  if (!event.persisted) client.close()
})

const root = document.getElementById('app')
if (root) render(<App client={client} baseUrl={baseUrl} />, root)
