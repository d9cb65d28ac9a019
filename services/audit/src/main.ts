import { enableCompileCache } from 'node:module'

// The cache must be on before other modules are loaded, so that a second start skips compiling.
enableCompileCache()
const { loadEnv, runCommand } = await import('@chatbox/kit')
const { toKind } = await import('./to-kind.ts')

await runCommand(toKind(loadEnv()), async (context) => {
  const { runAudit } = await import('./compose.ts')
  await runAudit(context, process.argv.slice(2))
})
