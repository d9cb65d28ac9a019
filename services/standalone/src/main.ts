import { enableCompileCache } from 'node:module'

// Before everything else is loaded: a second start then skips compiling.
enableCompileCache()
const { runProcess } = await import('@chatbox/kit')

// The services themselves are loaded once the settings are known to be good.
await runProcess('standalone', async (context) => {
  const { composeStandalone } = await import('./compose.ts')
  return composeStandalone(context)
})
