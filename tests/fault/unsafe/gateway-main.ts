// A gateway without one of its safeties, for the runs that must fail.
import { runProcess } from '@chatbox/kit'
import { composeGateway } from '../../../services/gateway/src/compose.ts'
import { readSafety, UNSAFE } from './overrides.ts'

const { gateway } = UNSAFE[readSafety(process.argv)]
await runProcess('gateway', (context) => composeGateway(context, gateway))
