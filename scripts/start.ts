// `npm start`: the whole system in one process, after building the web pages where they are stale.
import { buildWeb } from './build-web.ts'
import { endWithParent } from './end-with-parent.ts'

endWithParent()
await buildWeb()
// An address instead of a name: the scripts are checked without the services they start.
await import(new URL('../services/standalone/src/main.ts', import.meta.url).href)
