// The product's gateway with parts left out, to measure the cost of each.
import { runProcess } from '@chatbox/kit'
import { composeGateway } from '../../../../services/gateway/src/compose.ts'
import { readWithout, withoutLookups } from './without.ts'

const wrap = withoutLookups(readWithout())
await runProcess('gateway', (context) => composeGateway(context, { wrap }))
