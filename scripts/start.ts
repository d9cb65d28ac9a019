import { buildWeb } from './build-web.ts'
import { endWithParent } from './end-with-parent.ts'
import { readOptions } from './read-options.ts'

readOptions({
  usage: 'npm start --',
  about:
    'Runs the whole system in one process, after it has built the web pages where they are stale. Settings come from the environment and from a file named .env.',
  options: {
    // The process itself reads it.
    'print-config': { type: 'boolean', about: 'prints the settings in force and ends' },
  },
})
endWithParent()
await buildWeb()
// An address and not a name, because the scripts are checked without the services that they start.
await import(new URL('../services/standalone/src/main.ts', import.meta.url).href)
