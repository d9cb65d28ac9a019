// Converts a TypeScript file to JavaScript exactly as Node does when it runs the file: types become
// white space. Every position stays the same, so one coverage report can join tests and the
// processes they start, and a stack trace needs no source map.
import { stripTypeScriptTypes } from 'node:module'

export function process(source) {
  return { code: stripTypeScriptTypes(source) }
}

export default { process }
