// A worker without one of its safeties, for the runs that must fail.
import { runProcess } from '@chatbox/kit'
import { composeWorker } from '../../../services/worker/src/compose.ts'
import { readSafety, UNSAFE } from './overrides.ts'

const { worker } = UNSAFE[readSafety(process.argv)]
await runProcess('worker', (context) => composeWorker(context, worker))
