import { enableCompileCache } from 'node:module'

// The cache must be on before other modules are loaded, so that a second start skips compiling.
enableCompileCache()
const { runProcess } = await import('@chatbox/kit')

// The service is loaded only after the settings have been validated.
await runProcess('gateway', async (context) => {
  const { composeGateway } = await import('./compose.ts')
  return composeGateway(context)
})
