import { enableCompileCache } from 'node:module'

// Before everything else is loaded: a second start then skips compiling.
enableCompileCache()
const { runProcess } = await import('@chatbox/kit')

// The services themselves are loaded once the settings are known to be good.
await runProcess('worker', async (context) => {
  const { composeWorker } = await import('./compose.ts')
  return composeWorker(context)
})
