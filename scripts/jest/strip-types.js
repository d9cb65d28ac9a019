// Turns a TypeScript file into JavaScript exactly as Node does when it runs the file: types become
// white space. Every position stays, so that one coverage report can join what the tests load with
// what the processes that they start load, and a stack trace needs no source map.
import { stripTypeScriptTypes } from 'node:module'

export function process(source) {
  return { code: stripTypeScriptTypes(source) }
}

export default { process }
