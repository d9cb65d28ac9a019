import { enableCompileCache } from 'node:module'

// The cache must be on before other modules are loaded, so that a second start skips compiling.
enableCompileCache()
const { runCommand } = await import('@chatbox/kit')
const { explainStandalone } = await import('./explain-standalone.ts')

await runCommand(
  'migrate',
  async (context) => {
    const { migrate } = await import('./compose.ts')
    await migrate(context, process.argv.slice(2))
  },
  explainStandalone,
)
