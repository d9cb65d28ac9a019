import { enableCompileCache } from 'node:module'

// The cache must be on before other modules are loaded, so that a second start skips compiling.
enableCompileCache()
const { runProcess } = await import('@chatbox/kit')

// The services are loaded only after the settings have been validated.
await runProcess('standalone', async (context) => {
  const { composeStandalone } = await import('./compose.ts')
  return composeStandalone(context)
})
